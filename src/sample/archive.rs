//! Where payloads are kept: the files of an archive, one writer per container and day.
//!
//! Lines are written as they are generated, so memory does not grow with the archive; a file's lines are therefore not
//! in the order of time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::clock::{self, DAY, stamp};
use super::event::{Body, Event};
use super::fields::{Fields, string};
use super::odd::Broken;
use super::random::Random;
use crate::record::Provider;

/// A file that is being written, compressed as its name says.
enum Output {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Output {
    fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = BufWriter::new(File::create_new(path)?);
        match path.extension().and_then(|e| e.to_str()) {
            Some("gz") => Ok(Output::Gzip(GzEncoder::new(file, Compression::default()))),
            Some("zst") => Ok(Output::Zstd(zstd::Encoder::new(file, 3)?)),
            _ => Ok(Output::Plain(file)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Output::Plain(file) => file.write_all(bytes),
            Output::Gzip(file) => file.write_all(bytes),
            Output::Zstd(file) => file.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Output::Plain(mut file) => file.flush(),
            Output::Gzip(file) => file.finish()?.flush(),
            Output::Zstd(file) => file.finish()?.flush(),
        }
    }
}

/// The archive in the making.
pub struct Archive {
    root: PathBuf,
    first: i64,
    open: BTreeMap<String, Output>,
    table: Option<csv::Writer<File>>,
    /// Files made so far.
    pub files: u64,
    singles: u64,
    most_singles: u64,
    /// Payloads stored so far.
    pub payloads: u64,
}

impl Archive {
    /// An archive in an empty or new folder, for a period that begins with `first`.
    pub fn create(root: &Path, first: i64, payloads: u64) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        if fs::read_dir(root)?.next().is_some() {
            let message = format!("{} is not empty; name a new folder", root.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        Ok(Archive {
            root: root.to_owned(),
            first,
            open: BTreeMap::new(),
            table: None,
            files: 0,
            singles: 0,
            most_singles: 200 + payloads / 1000,
            payloads: 0,
        })
    }

    /// Stores a payload that came at `received`.
    pub fn store(&mut self, random: &mut Random, event: &Event, received: i64) -> io::Result<()> {
        self.payloads += 1;
        if event.shape.provider == Some(Provider::AdvanceAi) {
            return self.store_row(event, received);
        }
        if event.shape.kind == crate::record::Kind::IdStatus {
            let element = envelope(random, event, received);
            return self.store_element(&element);
        }
        let is_jumio = event.shape.provider == Some(Provider::Jumio);
        let share = if is_jumio { 120 } else { 8 };
        if event.stands_alone() && self.singles < self.most_singles && random.chance(share) {
            return self.store_single(event, received);
        }
        let bare = event.stands_alone() && matches!(event.body, Body::Json(_)) && random.chance(30);
        let line = if bare { event.text().to_owned() } else { envelope(random, event, received) };
        self.store_line(if is_jumio { "jumio" } else { "smile_id" }, received, line.as_bytes())
    }

    /// Stores a damaged payload.
    pub fn store_broken(&mut self, broken: &Broken) -> io::Result<()> {
        self.payloads += 1;
        self.store_line("smile_id", broken.at, &broken.line)
    }

    fn store_line(&mut self, folder: &str, received: i64, line: &[u8]) -> io::Result<()> {
        let ending = match (folder, (received - self.first) / DAY % 3) {
            ("jumio", _) | (_, 1) => ".gz",
            (_, 2) => ".zst",
            _ => "",
        };
        let file = self.file(format!("{folder}/{}.ndjson{ending}", clock::date(received)))?.0;
        file.write(line)?;
        file.write(b"\n")
    }

    fn store_element(&mut self, element: &str) -> io::Result<()> {
        let (file, is_new) = self.file(String::from("smile_id/status.json"))?;
        file.write(if is_new { b"[\n" } else { b",\n" })?;
        file.write(element.as_bytes())
    }

    fn store_row(&mut self, event: &Event, received: i64) -> io::Result<()> {
        let table = match &mut self.table {
            Some(table) => table,
            None => {
                self.files += 1;
                let folder = self.root.join("advance_ai");
                fs::create_dir_all(&folder)?;
                let file = File::create_new(folder.join("export.csv"))?;
                let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
                table.write_record(["received_at", "payload"])?;
                self.table.insert(table)
            }
        };
        table.write_record([stamp(received).as_str(), event.text()])?;
        Ok(())
    }

    fn store_single(&mut self, event: &Event, received: i64) -> io::Result<()> {
        self.singles += 1;
        self.files += 1;
        let date = clock::date(received);
        let name = match (&event.body, event.shape.provider) {
            (Body::Form(_), _) => format!("jumio/{date}/{:06}.form", self.payloads),
            (_, Some(Provider::Jumio)) => format!("jumio/{date}/{:06}.json", self.payloads),
            _ => format!("smile_id/single/{:06}.json", self.payloads),
        };
        let mut file = Output::create(&self.root.join(name))?;
        file.write(event.text().as_bytes())?;
        file.finish()
    }

    /// The file of a name, and whether it was just made.
    fn file(&mut self, name: String) -> io::Result<(&mut Output, bool)> {
        let is_new = !self.open.contains_key(&name);
        if is_new {
            let output = Output::create(&self.root.join(&name))?;
            self.files += 1;
            self.open.insert(name.clone(), output);
        }
        let output =
            self.open.get_mut(&name).ok_or_else(|| io::Error::other("a file that was just made is missing"))?;
        Ok((output, is_new))
    }

    /// Ends all files; returns how many there are.
    pub fn finish(mut self) -> io::Result<u64> {
        if let Some(mut table) = self.table.take() {
            table.flush()?;
        }
        for (name, mut file) in self.open {
            if name.ends_with(".json") {
                file.write(b"\n]\n")?;
            }
            file.finish()?;
        }
        Ok(self.files)
    }
}

/// One row of a store: the payload and what was kept with it.
fn envelope(random: &mut Random, event: &Event, received: i64) -> String {
    let mut fields = Fields::new().text("received_at", &stamp(received));
    if let (Some(provider), true) = (event.shape.provider, random.chance(300)) {
        fields = fields.text("provider", provider.word());
    }
    if !event.headers.is_empty() {
        let headers = event.headers.iter().fold(Fields::new(), |all, (name, value)| all.text(name, value));
        fields = fields.raw("headers", &headers.end());
    }
    if let Some(request) = &event.request {
        fields = fields.raw("request", request);
    }
    fields = fields.optional("remote_ip", event.remote_ip.as_deref());
    match &event.body {
        Body::Json(text) if random.chance(750) => fields.raw("body", text).end(),
        Body::Json(text) | Body::Form(text) => fields.raw("body", &string(text)).end(),
    }
}
