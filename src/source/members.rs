//! What is inside an input: its rows, or the members of an archive, the tables of a database, the exchanges of a
//! recording, each read like an input of its own and counted on.
//!
//! A damaged or encrypted member is a [`Broken`] in its place and the next one is read. What an input unpacks to is
//! bounded over all of its members and layers together.
//!
//! Not here: how rows are cut (`cutter`) and tables of others are read (`columnar`, `sqlite`, `cassette`).

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tempfile::NamedTempFile;
use zip::ZipArchive;

use super::chunk::{Chunk, Shape, Slot};
use super::cutter::{Cutter, Outcome};
use super::decompress::{Budget, End, Stream, Trouble, damaged, torn, trouble_in};
use super::sniff::{Container, Format, sniff};
use super::window::{Rest, Window};
use super::{Broken, Input, Mark, Options, cassette, columnar, csv, find, sqlite};
use crate::record::{Micros, RejectReason};

/// Archives within archives.
const DEEPEST: usize = 4;

/// How much of a table of others is looked at for a payload.
const SAMPLE: usize = 1 << 20;

/// Where in an input reading is.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The way to the member: `2026-10.tar!hooks/1.json`; `None` for the input itself.
    member: Option<Arc<str>>,
    /// When it was written, where that may stand for a time of receipt.
    modified: Option<Micros>,
    depth: usize,
}

impl Place {
    /// The input itself, written at a time that may stand for one of receipt.
    pub(super) fn input(modified: Option<Micros>) -> Place {
        Place { modified, ..Place::default() }
    }

    fn within(&self, name: &str, modified: Option<Micros>) -> Place {
        let member = self.member.as_ref().map_or_else(|| name.to_owned(), |outer| format!("{outer}!{name}"));
        Place { member: Some(member.into()), modified, depth: self.depth + 1 }
    }
}

/// An input while it is read.
pub(super) struct Reading<'s> {
    pub(super) input: &'s Input,
    pub(super) options: Arc<Options>,
    pub(super) budget: Rc<Budget>,
    pub(super) send: &'s mut dyn FnMut(Chunk) -> ControlFlow<()>,
    /// Number of the next row.
    pub(super) next_index: u64,
    /// Lines of logs without a payload.
    pub(super) passed_over: u64,
    /// Whether the caller has enough.
    pub(super) flow: ControlFlow<()>,
    /// Whether the last rows ended where their bytes are damaged.
    torn: bool,
}

impl<'s> Reading<'s> {
    pub(super) fn new(
        input: &'s Input,
        options: &Options,
        budget: &Rc<Budget>,
        send: &'s mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Self {
        let (options, budget) = (Arc::new(options.clone()), Rc::clone(budget));
        let flow = ControlFlow::Continue(());
        Reading { input, options, budget, send, next_index: 0, passed_over: 0, flow, torn: false }
    }

    /// Reads what a window holds from where it stands; says where reading can go on when more follows.
    pub(super) fn read(
        &mut self,
        window: &mut Window,
        format: Format,
        start: Option<Mark>,
        place: &Place,
    ) -> io::Result<Option<Mark>> {
        match format {
            Format::Container(container) => self.container(window, container, place).map(|()| None),
            Format::Cassette => self.cassette(window, place).map(|()| None),
            rows => self.rows(window, rows, start, place),
        }
    }

    fn rows(
        &mut self,
        window: &mut Window,
        format: Format,
        start: Option<Mark>,
        place: &Place,
    ) -> io::Result<Option<Mark>> {
        let is_log = format == Format::Log;
        let (splitter, columns, whole) = format.into_parts();
        let shape = Arc::new(Shape { columns, is_log, ..self.shape(place) });
        let first = start.map_or(self.next_index, |mark| mark.index);
        let cutter = Cutter::new(window, splitter, whole, shape, first, self.send).resumed(start);
        let Outcome { next_index, passed_over, flow, stop } = cutter.run()?;
        self.next_index = next_index;
        self.passed_over += passed_over;
        self.flow = flow;
        self.torn = matches!(window.end, Some(End::Broken(_)));
        if is_log && start.is_none() && next_index == first && flow.is_continue() {
            let detail = format!("none of {passed_over} lines of text holds a payload");
            self.broken((RejectReason::NoPayload, detail), place)?;
        }
        Ok(stop.filter(|_| !self.torn && flow.is_continue()))
    }

    fn shape(&self, place: &Place) -> Shape {
        let (options, member) = (Arc::clone(&self.options), place.member.clone());
        Shape { options, member, modified: place.modified, columns: None, is_log: false }
    }

    fn container(&mut self, window: &mut Window, container: Container, place: &Place) -> io::Result<()> {
        if place.depth >= DEEPEST {
            let detail = format!("archives are nested more than {DEEPEST} deep");
            return self.broken((RejectReason::DamagedArchive, detail), place);
        }
        match container {
            Container::Tar => self.tar(window, place),
            Container::Zip => match self.file(window, place)? {
                Some(file) => self.zip(file, place),
                None => Ok(()),
            },
            Container::Parquet => self.columnar(window, columnar::parquet, "Parquet", place),
            Container::Arrow => self.columnar(window, columnar::arrow, "Arrow", place),
            Container::Sqlite => self.sqlite(window, place),
        }
    }

    fn tar(&mut self, window: &mut Window, place: &Place) -> io::Result<()> {
        let mut archive = tar::Archive::new(Rest(window));
        archive.set_ignore_zeros(true);
        self.torn = false;
        for entry in archive.entries()? {
            let entry = match entry {
                Ok(entry) => entry,
                // A member that was cut off has said so.
                Err(_) if self.torn => return Ok(()),
                Err(error) => return self.failed(error, "tar", place),
            };
            let kind = entry.header().entry_type();
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) || !is_wanted(&name) {
                continue;
            }
            let modified = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
            let modified = modified.and_then(|seconds| seconds.checked_mul(1_000_000)).map(Micros);
            let left = entry.size();
            self.member(Box::new(Whole { inner: entry, left }), &name, modified, place)?;
            if self.flow.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn zip(&mut self, file: File, place: &Place) -> io::Result<()> {
        let mut archive = match ZipArchive::new(BufReader::new(file)) {
            Ok(archive) => archive,
            Err(error) => return self.failed(error.into(), "zip", place),
        };
        for number in 0..archive.len() {
            let name = archive.name_for_index(number).and_then(Result::ok).map(Cow::into_owned).unwrap_or_default();
            if !is_wanted(&name) {
                continue;
            }
            match archive.by_index(number) {
                Ok(entry) if !entry.is_file() => {}
                Ok(entry) => {
                    let unpacked = Unpacked { inner: entry, budget: Rc::clone(&self.budget), format: "zip" };
                    self.member(Box::new(unpacked), &name, None, place)?;
                }
                Err(zip::result::ZipError::UnsupportedArchive(why)) => {
                    let detail = format!("the zip member cannot be unpacked: {}", why.to_lowercase());
                    self.broken((RejectReason::DamagedArchive, detail), &place.within(&name, None))?;
                }
                Err(error) => self.failed(error.into(), "zip", &place.within(&name, None))?,
            }
            if self.flow.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A file of an archive.
    fn member(
        &mut self,
        bytes: Box<dyn Read + '_>,
        name: &str,
        modified: Option<Micros>,
        outer: &Place,
    ) -> io::Result<()> {
        let place = outer.within(name, modified.filter(|_| self.options.trust_mtime));
        let mut window = Window::new(Stream::member(bytes, &self.budget)?);
        let format = sniff(&mut window, name.rsplit('/').next().unwrap_or(name), &self.options);
        self.read(&mut window, format, None, &place).map(|_| ())
    }

    fn columnar(
        &mut self,
        window: &mut Window,
        rows: fn(File) -> io::Result<Box<dyn Read + Send>>,
        format: &'static str,
        place: &Place,
    ) -> io::Result<()> {
        let Some(file) = self.file(window, place)? else { return Ok(()) };
        match rows(file) {
            Ok(lines) => self.lines(lines, format, place),
            Err(error) => self.failed(error, format, place),
        }
    }

    fn sqlite(&mut self, window: &mut Window, place: &Place) -> io::Result<()> {
        let path = match self.own_path(window, place) {
            Some(path) if !path.starts_with("/proc") => TablePath::Own(path),
            _ => {
                let mut spool = NamedTempFile::new()?;
                match io::copy(&mut Rest(window), &mut spool) {
                    Ok(_) => TablePath::Spooled(spool),
                    Err(error) => return self.failed(error, "SQLite", place),
                }
            }
        };
        let database = match sqlite::open(path.path()) {
            Ok(database) => database,
            Err(error) => return self.failed(error, "SQLite", place),
        };
        let tables = match database.tables() {
            Ok(tables) => tables,
            Err(error) => return self.failed(error, "SQLite", place),
        };
        let holds = |table: &sqlite::Table| {
            let rows = table.sample.iter().filter_map(|row| serde_json::to_vec(row).ok());
            // A column of a usual name may be empty in the first rows.
            table.columns.iter().any(|name| find::is_usual(name))
                || rows.into_iter().any(|row| find::is_payload_row(&row, &self.options))
        };
        let wanted: Vec<_> = tables.into_iter().filter(holds).collect();
        if wanted.is_empty() {
            return self.broken((RejectReason::NoPayload, csv::looked_for(&self.options)), place);
        }
        for table in wanted {
            match database.rows(&table.name) {
                Ok(rows) => self.lines(Box::new(rows), "SQLite", &place.within(&table.name, None))?,
                Err(error) => self.failed(error, "SQLite", place)?,
            }
            if self.flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn cassette(&mut self, window: &mut Window, place: &Place) -> io::Result<()> {
        let limit = self.options.limits.max_payload_bytes;
        window.look_ahead(limit + 1);
        if window.bytes.len() > limit || window.end.as_ref().is_some_and(|end| !matches!(end, End::Complete)) {
            return self.rows(window, Format::Single, None, place).map(|_| ());
        }
        let count = window.bytes.len();
        match cassette::interactions(window.take(count)) {
            Ok(lines) => self.lines(Box::new(lines), "YAML", place),
            Err(error) => self.failed(error, "YAML", place),
        }
    }

    /// Rows of others as lines of JSON. A table in which no payload is seen is broken as a whole.
    fn lines(&mut self, lines: Box<dyn Read + Send>, format: &'static str, place: &Place) -> io::Result<()> {
        let named = Unpacked { inner: lines, budget: Rc::clone(&self.budget), format };
        let mut window = Window::new(Stream::member(Box::new(named), &self.budget)?);
        window.look_ahead(SAMPLE);
        let sample = &window.bytes[..window.bytes.len().min(SAMPLE)];
        let mut rows = sample.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()).peekable();
        if rows.peek().is_none() && matches!(window.end, Some(End::Complete)) {
            return Ok(());
        }
        let format = match rows.any(|row| find::is_payload_row(row, &self.options)) || window.end.is_none() {
            true => Format::Ndjson,
            false => Format::TableWithoutPayload(csv::looked_for(&self.options)),
        };
        self.rows(&mut window, format, None, place).map(|_| ())
    }

    /// The bytes of a window as a file: that of the input, where it is stored so, else a temporary copy. `None` where they
    /// are damaged, which was said.
    fn file(&mut self, window: &mut Window, place: &Place) -> io::Result<Option<File>> {
        if let Some(path) = self.own_path(window, place) {
            let file = File::open(path)?;
            self.budget.stores(file.metadata()?.len());
            return Ok(Some(file));
        }
        let mut spool = tempfile::tempfile()?;
        match io::copy(&mut Rest(window), &mut spool) {
            Ok(_) => {
                spool.rewind()?;
                Ok(Some(spool))
            }
            Err(error) => self.failed(error, "compressed", place).map(|()| None),
        }
    }

    /// The path of the input, where its bytes are those of the window.
    fn own_path(&self, window: &Window, place: &Place) -> Option<PathBuf> {
        let path = self.input.path.as_ref().filter(|_| place.depth == 0 && window.stream.is_plain())?;
        std::fs::metadata(path).is_ok_and(|found| found.is_file()).then(|| path.clone())
    }

    /// An error of a reader: damage is a broken part, anything else ends the reading of the input.
    fn failed(&mut self, error: io::Error, format: &str, place: &Place) -> io::Result<()> {
        match trouble(&error, format) {
            Some(trouble) => self.broken(trouble, place),
            None => Err(error),
        }
    }

    /// Hands a broken part on.
    fn broken(&mut self, (reason, detail): Trouble, place: &Place) -> io::Result<()> {
        let index = self.next_index;
        self.next_index += 1;
        let member = place.member.as_deref().unwrap_or_default();
        let digest = *blake3::hash(format!("{}!{member} {detail}", self.input.display).as_bytes()).as_bytes();
        let broken = Broken { reason, detail, digest, bytes: 0, member: None, offset: 0, index };
        let (slots, shape) = (vec![Slot::Broken(broken)], Arc::new(self.shape(place)));
        self.flow = (self.send)(Chunk { buffer: Vec::new(), offset: 0, first_index: index, slots, shape });
        Ok(())
    }
}

enum TablePath {
    Own(PathBuf),
    Spooled(NamedTempFile),
}

impl TablePath {
    fn path(&self) -> &Path {
        match self {
            TablePath::Own(path) => path,
            TablePath::Spooled(file) => file.path(),
        }
    }
}

/// What is wrong with the data, where an error is not the operating system's. Our own readers say it in fixed words;
/// those of archives may name members.
fn trouble(error: &io::Error, format: &str) -> Option<Trouble> {
    let is_archive = matches!(format, "tar" | "zip");
    trouble_in(error).or_else(|| match error.kind() {
        _ if error.raw_os_error().is_some() => None,
        _ if is_archive => Some(damaged(format)),
        io::ErrorKind::InvalidData => Some((RejectReason::DamagedArchive, error.to_string())),
        _ => None,
    })
}

/// Whether a member is data: no folder, hidden or half-written file, nor what macOS adds to archives.
fn is_wanted(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "."));
    let hidden = parts.any(|part| part.starts_with('.') || part == "__MACOSX");
    let lower = name.to_ascii_lowercase();
    !hidden && !lower.ends_with(".tmp") && !lower.ends_with('/')
}

/// A member of known length, which must not end before.
struct Whole<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && !buffer.is_empty() && self.left > 0 {
            return Err(torn(damaged("tar")));
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// Bytes that others unpack, counted against what the input may unpack to.
struct Unpacked<R> {
    inner: R,
    budget: Rc<Budget>,
    format: &'static str,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(bomb) = self.budget.overdrawn() {
            return Err(torn(bomb));
        }
        match self.inner.read(buffer) {
            Ok(count) => {
                self.budget.spend(count);
                Ok(count)
            }
            Err(error) => Err(trouble(&error, self.format).map_or(error, torn)),
        }
    }
}
