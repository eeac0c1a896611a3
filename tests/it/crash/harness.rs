//! A command that is killed, and what a mart must hold afterwards.
//!
//! A [`Scenario`] has a mart as it was before (`ready`), the same after a quiet run of the command (`quiet`), and a copy (`m`)
//! that is disturbed. After every kill the copy is read as it is, and must hold one or the other; then the command is run
//! again, and it must hold the other.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use kycmart::engine::Engine;
use kycmart::engine::duckdb::{DuckDb, Resources};
use kycmart::error::ErrorKind;
use kycmart::mart::delta::TableSpec;
use kycmart::mart::{Mart, PAYLOAD_TABLES, table_specs};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::{SIGKILL, killed};
use crate::support::{Run, command, kycmart_in, report_files};

/// Columns that differ from run to run.
const OF_A_RUN: [&str; 7] =
    ["batch_id", "finished_at", "table_versions", "replaces", "replaced_at", "erasure_id", "erased_at"];

/// Of every table the rows that count, as text and in order; a row begins with the number of its batch.
pub type Rows = BTreeMap<&'static str, Vec<String>>;

/// Report files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The rows of a mart that count, read from the files that its log lists; where there is no mart yet, none.
pub fn rows(mart: &Path) -> Rows {
    let tables = table_specs();
    let mart = match Mart::open(mart) {
        Err(error) if error.kind() == ErrorKind::Usage => return tables.iter().map(|t| (t.name, Vec::new())).collect(),
        opened => opened.expect("the mart can be read"),
    };
    let batches = mart.batches().expect("its batches can be read");
    let numbers: BTreeMap<&str, usize> = batches.iter().map(|b| b.batch_id.as_str()).zip(1..).collect();
    let erased = if mart.erasure_pending().unwrap() { erased(&mart) } else { BTreeSet::new() };
    let of_table = |table: &TableSpec| {
        let mut lines = Vec::new();
        for part in parts(&mart, table.name) {
            let keys = part.column_by_name("payload_key").filter(|_| PAYLOAD_TABLES.contains(&table.name));
            let goes = |row: usize| keys.is_some_and(|keys| erased.contains(text(keys, row)));
            let ids = part.column_by_name("batch_id").expect("a batch");
            let number = |row: usize| numbers.get(text(ids, row)).filter(|_| !goes(row));
            let mut counting = (0..part.num_rows()).filter_map(|row| Some((row, *number(row)?))).peekable();
            if counting.peek().is_some() {
                let cells = cells(&part, table);
                lines.extend(counting.map(|(row, number)| format!("{number}: {}", cells(row))));
            }
        }
        lines.sort_unstable();
        (table.name, lines)
    };
    tables.iter().map(of_table).collect()
}

/// Payloads that were erased.
fn erased(mart: &Mart) -> BTreeSet<String> {
    let keys = |part: &RecordBatch| {
        let keys = part.column_by_name("payload_key").expect("a key").clone();
        (0..part.num_rows()).map(move |row| text(&keys, row).to_owned()).collect::<Vec<_>>()
    };
    parts(mart, "tombstones").iter().flat_map(keys).collect()
}

/// What the files of a table hold.
fn parts(mart: &Mart, table: &str) -> Vec<RecordBatch> {
    let read = |path: &Path| {
        let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        ParquetRecordBatchReaderBuilder::try_new(file).and_then(|b| b.build()).expect("Parquet").map(Result::unwrap)
    };
    mart.files(table).expect("its log can be read").iter().flat_map(|file| read(&file.path)).collect()
}

fn text(column: &ArrayRef, row: usize) -> &str {
    column.as_any().downcast_ref::<StringArray>().expect("text").value(row)
}

/// How a row reads: every column that is not of a run. The catalogue is long and the same in every batch: one column will do.
fn cells<'a>(part: &'a RecordBatch, table: &TableSpec) -> impl Fn(usize) -> String + use<'a> {
    let told = |name: &&str| !OF_A_RUN.contains(name) && (table.name != "codes" || *name == "code");
    let names = table.columns.iter().map(|c| c.name).filter(told);
    let columns = names.filter_map(|name| Some((name, part.column_by_name(name)?.as_ref())));
    let options = FormatOptions::default();
    let columns: Vec<_> =
        columns.map(|(name, column)| (name, column, ArrayFormatter::try_new(column, &options).unwrap())).collect();
    move |row| {
        let there = columns.iter().filter(|(_, column, _)| column.is_valid(row));
        there.map(|(name, _, values)| format!("{name} {}", values.value(row))).collect::<Vec<_>>().join(", ")
    }
}

fn engine() -> DuckDb {
    DuckDb::open(&Resources { threads: Some(1), ..Resources::default() }).expect("the engine starts")
}

/// The answer to a query of one text column.
fn texts(engine: &DuckDb, sql: &str) -> Vec<String> {
    let batches = engine.select(sql).expect("an answer");
    let columns = batches.iter().map(|b| b.column(0).as_any().downcast_ref::<StringArray>().expect("text"));
    columns.flat_map(|c| (0..c.len()).map(|row| c.value(row).to_owned())).collect()
}

/// Rows that lie in the files of a mart and do not count: of erased payloads, and, where asked for, of batches that are not
/// listed.
fn garbage(mart: &Mart, unlisted: bool) -> Vec<String> {
    let mut engine = engine();
    for table in table_specs() {
        let files: Vec<_> = mart.files(table.name).unwrap().into_iter().map(|file| file.path).collect();
        engine.register_files(table.name, &table.columns, &files).unwrap();
    }
    let count = |table: &str, which: &str| {
        texts(&engine, &format!("SELECT '{table}: ' || COUNT(*) FROM {table} WHERE {which} HAVING COUNT(*) > 0"))
    };
    let erased = |table: &&str| count(table, "payload_key IN (SELECT payload_key FROM tombstones)");
    let of_no_batch = |table: &&str| count(table, "batch_id NOT IN (SELECT batch_id FROM batches)");
    let mut found: Vec<String> = PAYLOAD_TABLES.iter().flat_map(erased).collect();
    if unlisted {
        found.extend(PAYLOAD_TABLES.iter().chain(&["inputs", "codes"]).flat_map(of_no_batch));
    }
    found
}

/// Files beside the logs that no table lists.
fn strays(mart: &Mart) -> Vec<String> {
    let listed: BTreeSet<_> = table_specs()
        .iter()
        .flat_map(|table| mart.files(table.name).unwrap())
        .map(|file| fs::canonicalize(file.path).unwrap())
        .collect();
    let entries = walkdir::WalkDir::new(fs::canonicalize(mart.root()).unwrap()).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    let stray = |path: &std::path::PathBuf| {
        let in_log = path.parent().is_some_and(|folder| folder.ends_with("_delta_log"));
        let left_over = path.to_string_lossy().contains('#');
        !listed.contains(path) && !path.ends_with(".lock") && (!in_log || left_over)
    };
    files.filter(stray).map(|path| path.display().to_string()).collect()
}

/// The rows without the names of inputs: while an erasure is not finished, some of them are still to go.
fn without_file_names(rows: &Rows) -> Rows {
    let nameless =
        |line: &String| line.split(", ").filter(|cell| !cell.starts_with("source ")).collect::<Vec<_>>().join(", ");
    let mut rows = rows.clone();
    rows.entry("inputs").and_modify(|lines| lines.iter_mut().for_each(|line| *line = nameless(line)));
    rows
}

/// Says in which table rows are lost, too many or twice.
#[track_caller]
pub fn assert_rows(found: &Rows, expected: &Rows, when: &str) {
    for (table, expected) in expected {
        let found = &found[table];
        if found != expected {
            let beyond = |some: &[String], others: &[String]| {
                let others: BTreeSet<&String> = others.iter().collect();
                some.iter().filter(|row| !others.contains(row)).take(2).cloned().collect::<Vec<_>>()
            };
            let (lost, odd) = (beyond(expected, found), beyond(found, expected));
            panic!("{when}: {table}: {} rows, not {}\nlost: {lost:#?}\nodd: {odd:#?}", found.len(), expected.len());
        }
    }
}

/// The reports over a mart; `None` where the program says that there is none.
#[track_caller]
pub fn reports(home: &Path, mart: &str) -> Option<Files> {
    let out = tempfile::tempdir_in(home).unwrap();
    let folder = out.path().to_str().unwrap();
    let run = kycmart_in(home, &["report", "--mart", mart, "--out", folder, "--format", "csv"]);
    if run.code == 2 && run.err.contains("there is no mart") {
        return None;
    }
    run.expect(0);
    Some(report_files(&out.path().join("latest")))
}

/// Copies a folder; of what is there nothing is left.
pub fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Starts the program with nobody who listens.
pub fn start(home: &Path, arguments: &[&str]) -> Child {
    let mut command = command(home, arguments);
    // What a killed program leaves in the temporary folder goes with the test.
    command.env("TMPDIR", home);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// A command on a mart, and what it does when nobody disturbs it.
pub struct Scenario {
    home: TempDir,
    arguments: Vec<String>,
    before: Rows,
    pub after: Rows,
    reports_before: Option<Files>,
    reports_after: Option<Files>,
    demands: Demands,
    checks: Cell<u32>,
}

/// What a command promises beyond the rows that count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands {
    /// Rows of batches that are not listed are gone from the files, as rows of erased payloads always are.
    pub no_garbage: bool,
    /// Files that no table lists are gone.
    pub no_strays: bool,
    /// Tables change one after the other, and no report does: a reader may see some of them changed.
    pub table_by_table: bool,
}

impl Scenario {
    /// A command on the mart `m`, which is `ready` in the folder before it.
    pub fn new(home: TempDir, arguments: &[&str], demands: Demands) -> Self {
        let folder = home.path();
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        let (before, reports_before) = (rows(&folder.join("ready")), reports(folder, "ready"));
        let mut new = Scenario {
            arguments,
            after: before.clone(),
            reports_after: reports_before.clone(),
            before,
            reports_before,
            demands,
            checks: Cell::new(0),
            home,
        };
        new.restore();
        new.run().expect(0);
        (new.after, new.reports_after) = (rows(&new.mart()), reports(new.home(), "m"));
        new.check_whole("undisturbed");
        new
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn mart(&self) -> std::path::PathBuf {
        self.home().join("m")
    }

    pub fn arguments(&self) -> Vec<&str> {
        self.arguments.iter().map(String::as_str).collect()
    }

    /// Makes the mart what it was before.
    pub fn restore(&self) {
        copy_if_there(&self.home().join("ready"), &self.mart());
    }

    /// Runs the command to its end.
    pub fn run(&self) -> Run {
        kycmart_in(self.home(), &self.arguments())
    }

    /// The steps that the command passes, and how often.
    pub fn steps(&self) -> BTreeMap<String, u32> {
        self.restore();
        let mut command = command(self.home(), &self.arguments());
        let output = command.env("KYCMART_FAULT", "list").output().expect("the program starts");
        let mut steps = BTreeMap::new();
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            if let Some(step) = line.strip_prefix("fault step: ") {
                *steps.entry(step.to_owned()).or_insert(0) += 1;
            }
        }
        steps
    }

    /// Kills the command at the first and at the last passing of each of its steps; these at least there must be.
    pub fn kill_at_every_step(&self, at_least: &[String]) {
        let steps = self.steps();
        let missing: Vec<&String> = at_least.iter().filter(|step| !steps.contains_key(*step)).collect();
        assert!(missing.is_empty(), "the command does not pass {missing:?}, only {:?}", steps.keys());
        let mut kills = 0;
        for (step, passings) in steps {
            for passing in BTreeSet::from([1, passings]) {
                self.restore();
                killed(self.home(), &self.arguments(), &format!("{step}:{passing}"));
                let when = format!("killed at \"{step}\", passing {passing}");
                self.check_reader(&when, kills % 6 == 2);
                self.run().expect(0);
                self.check(&when);
                kills += 1;
            }
        }
        println!("{:?}: killed at {kills} named steps", self.arguments);
    }

    /// Kills the command so many times at random instants: up to so often in a row on the same mart, before a run may end and
    /// all is compared.
    pub fn kill_at_random(&self, seed: u64, kills: u32, in_a_row: u32) {
        let (mut instants, mut tried, mut died) = (Instants(seed), 0, 0);
        while died < kills {
            assert!(tried <= 2 * kills, "too few runs were killed before their end: {died} of {tried}");
            let whole = self.duration();
            for round in 0..4 {
                self.restore();
                let mut alive = false;
                for _ in 0..in_a_row {
                    let instant = instants.within(whole.mul_f64(1.1));
                    alive = !self.kill_after(instant);
                    tried += 1;
                    died += u32::from(!alive);
                    let when = format!("seed {seed}, attempt {tried}, after {instant:?} of {whole:?}");
                    self.check_reader(&when, round == 0 && tried % 2 == 0);
                    if alive {
                        break;
                    }
                }
                if !alive {
                    self.run().expect(0);
                }
                self.check(&format!("seed {seed}, attempt {tried}, finished"));
            }
        }
        println!("{:?}: seed {seed}, {died} of {tried} runs were killed before their end", self.arguments);
    }

    /// How long the command takes when nobody disturbs it.
    fn duration(&self) -> Duration {
        self.restore();
        let clock = Instant::now();
        assert!(start(self.home(), &self.arguments()).wait().unwrap().success());
        clock.elapsed()
    }

    /// Whether the command was killed before its end.
    fn kill_after(&self, instant: Duration) -> bool {
        let mut child = start(self.home(), &self.arguments());
        std::thread::sleep(instant);
        child.kill().expect("it is still ours");
        let status = child.wait().unwrap();
        assert!(status.success() || status.signal() == Some(SIGKILL), "{status:?}");
        status.signal().is_some()
    }

    /// The mart, just disturbed and not mended, holds what was before or what is after.
    #[track_caller]
    pub fn check_reader(&self, when: &str, with_reports: bool) {
        let found = rows(&self.mart());
        let done = without_file_names(&found) == without_file_names(&self.after);
        if self.demands.table_by_table {
            let sizes = |rows: &Rows| rows.values().map(Vec::len).collect::<Vec<_>>();
            assert_eq!(sizes(&found), sizes(&self.before), "{when}");
        } else if !done {
            assert_rows(&without_file_names(&found), &without_file_names(&self.before), when);
        }
        if with_reports {
            let found = reports(self.home(), "m");
            let expected = if done { &self.reports_after } else { &self.reports_before };
            let fresh = self.reports_before.is_none() && (found.is_none() || found == reports(self.home(), "empty"));
            assert!(found == *expected || !done && fresh, "{when}: other reports");
        }
    }

    /// The mart holds what a quiet run leaves behind; every eighth time all of it is looked at.
    #[track_caller]
    pub fn check(&self, when: &str) {
        self.checks.set(self.checks.get() + 1);
        if self.checks.get() % 8 == 1 {
            self.check_whole(when);
        } else {
            assert_rows(&rows(&self.mart()), &self.after, when);
        }
    }

    #[track_caller]
    fn check_whole(&self, when: &str) {
        assert_rows(&rows(&self.mart()), &self.after, when);
        assert!(reports(self.home(), "m") == self.reports_after, "{when}: other reports");
        let (mart, none) = (Mart::open(&self.mart()).expect("a mart"), Vec::<String>::new());
        assert_eq!(garbage(&mart, self.demands.no_garbage), none, "{when}");
        if self.demands.no_strays {
            assert_eq!(strays(&mart), none, "{when}");
        }
        let verified = kycmart_in(self.home(), &["mart", "verify", "--mart", "m"]);
        assert_eq!(verified.code, 0, "{when}: {}{}", verified.out, verified.err);
    }
}

fn copy_if_there(from: &Path, to: &Path) {
    if from.exists() {
        copy(from, to);
    } else if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
}

/// Instants that look random and are the same for the same seed.
struct Instants(u64);

impl Instants {
    fn within(&mut self, whole: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        whole.mul_f64(((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64)
    }
}
