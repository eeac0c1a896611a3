//! A mart is readable by others: polars, deltalake, DuckDB and pyarrow see the rows that kycmart sees, in every state that
//! a mart can be in, and what is said of it in `docs/TABLES.md` runs as it stands there.
//!
//! `make readers` obtains the readers; `KYCMART_READERS` names another Python that has them. Where they are missing the
//! tests skip themselves, but fail if `KYCMART_READERS_REQUIRED` is set.

mod canonical;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use kycmart::mart::table_specs;
use serde::Deserialize;

use crate::support::{command, folder, kycmart_in, query};
use canonical::{Rows, log_type};

/// What `read_mart.py` says of a table.
#[derive(Debug, Deserialize)]
struct Seen {
    version: usize,
    /// Version of the newest checkpoint.
    checkpoint: Option<usize>,
    /// Who wrote each commit, newest first.
    history: Vec<String>,
    partitions: Vec<String>,
    not_nullable: Vec<String>,
    files: usize,
    /// With those of batches that are not listed.
    all_rows: usize,
    readers: BTreeMap<String, Rows>,
    problems: Vec<String>,
}

impl Seen {
    fn listed(&self) -> usize {
        self.readers["pyarrow"].rows
    }
}

type Tables = BTreeMap<String, Seen>;

/// Something that happens to a mart, and what must be seen of it afterwards: `expected(before, after)`.
struct State {
    name: &'static str,
    happens: fn(&Path),
    expected: fn(&Tables, &Tables),
}

const STATES: [State; 9] = [
    State {
        name: "several ingests",
        happens: |here| (1..=3).for_each(|seed| ingest(here, 500, seed)),
        expected: |_, after| {
            assert!(after.values().filter(|table| table.version == 3 && table.listed() > 0).count() >= 9)
        },
    },
    State {
        name: "a killed batch",
        happens: |here| killed_ingest(here, 500, 4),
        expected: |before, after| {
            assert_eq!(listed(before), listed(after), "a batch that was killed counts");
            assert!(garbage(after) > 500, "nothing was killed");
        },
    },
    State {
        name: "more commits than between two checkpoints",
        happens: |here| (5..=13).for_each(|seed| ingest(here, 30, seed)),
        expected: |before, after| {
            assert!(listed(before) < listed(after));
            let many = after.values().filter(|table| table.version > 10);
            assert!(many.clone().count() > 5 && many.into_iter().all(|table| table.checkpoint == Some(10)));
        },
    },
    State {
        name: "compacted",
        happens: |here| done(here, &["mart", "compact"]),
        expected: |before, after| {
            assert_eq!((listed(before), garbage(after)), (listed(after), 0));
            assert!(after["observations"].files < before["observations"].files);
        },
    },
    State {
        name: "under another key",
        happens: |here| done(here, &["keys", "rotate", "key"]),
        expected: |before, after| {
            assert_eq!(listed(before), listed(after));
            assert_ne!(before["observations"].readers, after["observations"].readers, "no pseudonym has changed");
        },
    },
    State {
        name: "an erasure that was killed",
        happens: |here| killed(here, &["mart", "erase", "--job-id", &a_job(here)], "committed tombstones"),
        expected: |before, after| {
            assert!(after["tombstones"].listed() > 0);
            assert!(after["observations"].listed() < before["observations"].listed());
            assert_eq!(after["observations"].all_rows, before["observations"].all_rows, "it was not killed in time");
        },
    },
    State {
        name: "the erasure finished by an ingest of what is known",
        happens: |here| done(here, &["ingest", "archive-1", "--key-file", "key"]),
        expected: |before, after| {
            assert_eq!(before["observations"].listed(), after["observations"].listed());
            assert_eq!(garbage(after), 0);
        },
    },
    State {
        name: "a reprocessing that was killed before the old rows went",
        happens: |here| killed(here, &["mart", "reprocess", "--key-file", "key"], "committed batches"),
        expected: |before, after| {
            assert_eq!(before["observations"].listed(), after["observations"].listed());
            assert_ne!(before["batches"].readers, after["batches"].readers, "no batch was replaced");
            assert!(garbage(after) > 500, "it was not killed in time");
        },
    },
    State {
        name: "compacted and vacuumed",
        happens: |here| {
            done(here, &["mart", "compact"]);
            done(here, &["mart", "vacuum", "--delete", "--keep", "0h", "--force"]);
        },
        expected: |before, after| assert_eq!((listed(before), garbage(after)), (listed(after), 0)),
    },
];

#[test]
fn foreign_readers_see_the_rows_that_kycmart_sees() {
    let Some(python) = python("foreign_readers_see_the_rows_that_kycmart_sees") else { return };
    let here = with_key();
    let mut before = Tables::new();
    for state in &STATES {
        (state.happens)(here.path());
        let after = compared(&python, here.path(), state.name);
        (state.expected)(&before, &after);
        before = after;
    }
}

#[test]
fn tables_without_a_row_are_readable_too() {
    let Some(python) = python("tables_without_a_row_are_readable_too") else { return };
    let here = folder();
    std::fs::write(here.path().join("nothing.ndjson"), "{}\n").unwrap();
    done(here.path(), &["ingest", "nothing.ndjson"]);
    let seen = compared(&python, here.path(), "one reject");
    assert_eq!((seen["observations"].files, seen["rejects"].listed()), (0, 1));
}

#[test]
fn the_snippets_of_tables_md_count_what_kycmart_counts() {
    let snippets = snippets();
    for reader in ["polars", "deltalake", "duckdb", "pyarrow"] {
        assert!(snippets.iter().any(|snippet| snippet.contains(reader)), "docs/TABLES.md has no snippet for {reader}");
    }
    let Some(python) = python("the_snippets_of_tables_md_count_what_kycmart_counts") else { return };
    let here = with_key();
    ingest(here.path(), 300, 1);
    killed_ingest(here.path(), 300, 2);
    let count = |sql: &str| query(here.path(), "mart", sql)[0]["n"].clone();
    let all = count("SELECT COUNT(*) AS n FROM observations");
    let listed = count("SELECT COUNT(*) AS n FROM observations WHERE batch_id IN (SELECT batch_id FROM batches)");
    assert_ne!(all, listed, "no batch was killed");
    for snippet in snippets {
        assert_eq!(run(&python, here.path(), &["-c", &snippet]).trim(), listed, "{snippet}");
    }
}

/// Asserts that all readers see what kycmart sees, and that what they see is a table as the row types declare it.
#[track_caller]
fn compared(python: &Path, here: &Path, state: &str) -> Tables {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/read_mart.py");
    let tables: Tables = serde_json::from_str(&run(python, here, &[&script.to_string_lossy(), "mart"])).unwrap();
    let own = canonical::tables(&here.join("mart"));
    assert!(tables.keys().eq(own.keys()), "{state}: the tables {:?}", tables.keys());
    let mut wrong = Vec::new();
    for (name, table) in &tables {
        wrong.extend(table.problems.iter().map(|problem| format!("{name}: {problem}")));
        for (reader, rows) in &table.readers {
            let differences = own[name].differences(rows);
            wrong.extend(differences.into_iter().map(|difference| format!("{name}, {reader}: {difference}")));
        }
    }
    for spec in table_specs() {
        let table = &tables[spec.name];
        let declared = spec.columns.iter().map(|column| (column.name.to_owned(), log_type(column.cell).to_owned()));
        assert_eq!(own[spec.name].types, declared.collect(), "{state}: {}", spec.name);
        assert_eq!(table.partitions, Vec::from_iter(spec.partition), "{state}: {}", spec.name);
        // The log lets every column be NULL, so that foreign writers need no constraints; the rows do not.
        assert_eq!(table.not_nullable, [""; 0], "{state}: {}", spec.name);
        let never = spec.columns.iter().filter(|column| !column.nullable).map(|column| column.name);
        let nulls = never.filter(|name| own[spec.name].with_null.iter().any(|with_null| with_null == name));
        wrong.extend(nulls.map(|name| format!("{}: NULL in {name}", spec.name)));
        assert!(table.history.iter().all(|writer| writer.starts_with("kycmart/")), "{state}: {:?}", table.history);
        assert_eq!(table.history.len(), table.version + 1, "{state}: {}", spec.name);
    }
    assert!(wrong.is_empty(), "{state}:\n{}", wrong.join("\n"));
    tables
}

fn listed(tables: &Tables) -> usize {
    tables.values().map(Seen::listed).sum()
}

/// Rows of batches that are not listed.
fn garbage(tables: &Tables) -> usize {
    tables.values().map(|table| table.all_rows - table.listed()).sum()
}

/// Runs a command on the mart to its end.
#[track_caller]
fn done(here: &Path, arguments: &[&str]) {
    kycmart_in(here, &[arguments, &["--mart", "mart"]].concat()).expect(0);
}

/// Runs a command on the mart and has it killed at a step.
#[track_caller]
fn killed(here: &Path, arguments: &[&str], step: &str) {
    let mut command = command(here, &[arguments, &["--mart", "mart"]].concat());
    let status = command.env("KYCMART_FAULT", step).output().expect("the program starts").status;
    assert_eq!(status.code(), None, "the program was not killed");
}

/// Ingests an archive of its own.
fn ingest(here: &Path, payloads: u32, seed: u32) {
    done(here, &["ingest", &archive(here, payloads, seed), "--key-file", "key"]);
}

/// Ingests an archive of its own and is killed before the batch is listed.
fn killed_ingest(here: &Path, payloads: u32, seed: u32) {
    killed(here, &["ingest", &archive(here, payloads, seed), "--key-file", "key"], "commit batches");
}

/// A reference that names one job only.
fn a_job(here: &Path) -> String {
    let account = "provider || COALESCE(partner, '') || COALESCE(environment, '')";
    let one =
        format!("GROUP BY provider_job_id HAVING COUNT(DISTINCT {account}) = 1 ORDER BY COUNT(*) DESC, 1 LIMIT 1");
    let jobs = format!("SELECT provider_job_id AS job FROM observations WHERE provider_job_id IS NOT NULL {one}");
    query(here, "mart", &jobs)[0]["job"].clone()
}

/// A folder with a pseudonym key.
fn with_key() -> tempfile::TempDir {
    let here = folder();
    kycmart_in(here.path(), &["keys", "new", "key"]).expect(0);
    here
}

fn archive(here: &Path, payloads: u32, seed: u32) -> String {
    let (name, payloads, seed) = (format!("archive-{seed}"), payloads.to_string(), seed.to_string());
    kycmart_in(here, &["sample", "--out", &name, "--payloads", &payloads, "--seed", &seed, "--days", "40"]).expect(0);
    name
}

/// The blocks of Python in `docs/TABLES.md`.
fn snippets() -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/TABLES.md")).unwrap();
    let blocks = text.split("\n```python\n").skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap_or_default().to_owned()).collect()
}

/// A Python that has the readers, or `None` with a line that says so.
fn python(test: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_kycmart")).ancestors().nth(2).expect("the target folder");
    let python = std::env::var_os("KYCMART_READERS").map_or(target.join("readers/bin/python"), PathBuf::from);
    if python.is_file() {
        return Some(python);
    }
    assert!(std::env::var_os("KYCMART_READERS_REQUIRED").is_none(), "{test}: no foreign readers; run: make readers");
    println!("{test}: skipped: no foreign readers at {}; run: make readers", python.display());
    None
}

/// What a Python program prints.
#[track_caller]
fn run(python: &Path, here: &Path, arguments: &[&str]) -> String {
    let output = Command::new(python).current_dir(here).args(arguments).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints UTF-8")
}
