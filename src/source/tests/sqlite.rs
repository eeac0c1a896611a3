//! SQLite files, whole and damaged.

use proptest::prelude::*;
use serde_json::json;

use super::*;

struct Made {
    folder: tempfile::TempDir,
    path: PathBuf,
}

/// A file that a statement made.
fn made(name: &str, statements: &str) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(statements).unwrap();
    connection.close().unwrap();
    Made { folder, path }
}

fn lines(database: &Database, table: &str) -> io::Result<Vec<Value>> {
    let mut text = String::new();
    database.rows(table)?.read_to_string(&mut text)?;
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

const STORE: &str = "
    CREATE TABLE events (id INTEGER PRIMARY KEY, body TEXT, raw BLOB, score REAL, at);
    INSERT INTO events VALUES (7, '{\"a\":\"é\"}', x'7b7d', 0.5, 1700000000), (3, NULL, x'ff', 1e999, 'x'),
        (5, cast(x'c328' AS TEXT), NULL, NULL, NULL);
    CREATE INDEX by_body ON events (body);
    CREATE TABLE keyed (code TEXT PRIMARY KEY, n INT) WITHOUT ROWID;
    INSERT INTO keyed VALUES ('b', 1), ('a', 2);
    CREATE VIEW seen AS SELECT * FROM events;
    CREATE TABLE \"odd \"\" name\" (\"select\" TEXT, twice INT GENERATED ALWAYS AS (length(\"select\") * 2) VIRTUAL,
        kept INT GENERATED ALWAYS AS (length(\"select\")) STORED);
    INSERT INTO \"odd \"\" name\" VALUES ('abc');
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);";

#[test]
fn tables_are_listed_with_their_first_rows() {
    let made = made("store.db", STORE);
    let tables = open(&made.path).unwrap().tables().unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["counted", "events", "keyed", "odd \" name"]);
    assert_eq!(tables[1].columns, ["id", "body", "raw", "score", "at"]);
    assert_eq!(tables[3].columns, ["select", "kept"]);
    assert_eq!(Value::from(tables[3].sample[0].clone()), json!({"select": "abc", "kept": 3}));
    assert!(tables[0].sample.is_empty());
}

#[test]
fn rows_come_as_they_are_stored_with_every_sort_of_value() {
    let made = made("store.db", STORE);
    let database = open(&made.path).unwrap();
    let events = vec![
        json!({"id": 3, "raw": "/w==", "at": "x"}),
        json!({"id": 5, "body": "wyg="}),
        json!({"id": 7, "body": "{\"a\":\"é\"}", "raw": "{}", "score": 0.5, "at": 1_700_000_000}),
    ];
    assert_eq!(lines(&database, "events").unwrap(), events);
    assert_eq!(lines(&database, "keyed").unwrap(), [json!({"code": "a", "n": 2}), json!({"code": "b", "n": 1})]);
    assert_eq!(lines(&database, "counted").unwrap(), Vec::<Value>::new());
}

#[test]
fn many_rows_come_all_and_a_reader_may_stop() {
    let rows = "CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT);
        WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 20000)
        INSERT INTO t SELECT n, printf('%.*c', n % 300, 'x') FROM up;";
    let made = made("many.db", rows);
    let database = open(&made.path).unwrap();
    let read = lines(&database, "t").unwrap();
    assert_eq!(read.len(), 20_000);
    assert!(read.iter().enumerate().all(|(at, row)| row["n"] == at + 1));
    assert_eq!(database.tables().unwrap()[0].sample.len(), SAMPLE_ROWS);
    let mut first = [0; 10];
    database.rows("t").unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"{\"n\":1,\"bo");
}

#[test]
fn the_path_may_hold_what_a_uri_may_not() {
    let made = made("a b%20?mode=rw#é.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    assert_eq!(lines(&open(&made.path).unwrap(), "t").unwrap(), [json!({"a": 1})]);
}

#[test]
fn rows_that_are_still_in_the_wal_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wal.db");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);").unwrap();
    let said = open(&path).err().unwrap();
    assert_eq!(said.kind(), io::ErrorKind::ResourceBusy);
    assert!(said.to_string().contains("PRAGMA wal_checkpoint(TRUNCATE)"), "{said}");
    writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    assert_eq!(lines(&open(&path).unwrap(), "t").unwrap(), [json!({"a": 1})]);
    let beside = std::fs::read_dir(folder.path()).unwrap().count();
    drop(writer);
    assert!(beside >= 1);
}

#[test]
fn a_change_that_was_cut_off_is_said() {
    let made = made("cut.db", "CREATE TABLE t (a)");
    std::fs::write(made.folder.path().join("cut.db-journal"), JOURNAL_MAGIC).unwrap();
    assert!(open(&made.path).err().unwrap().to_string().contains("in the middle of a change"));
    std::fs::write(made.folder.path().join("cut.db-journal"), [0; 512]).unwrap();
    assert!(open(&made.path).is_ok());
}

#[test]
fn nothing_is_written_beside_the_file() {
    let made = made("alone.db", "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    let before = std::fs::read(&made.path).unwrap();
    assert_eq!(lines(&open(&made.path).unwrap(), "t").unwrap().len(), 1);
    assert_eq!(std::fs::read_dir(made.folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(&made.path).unwrap(), before);
}

#[test]
fn what_is_no_such_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.db");
    assert_eq!(open(&path).err().unwrap().kind(), io::ErrorKind::NotFound);
    std::fs::write(&path, "not a database at all, and long enough to see that".repeat(20)).unwrap();
    let said = open(&path).and_then(|database| database.tables()).unwrap_err();
    assert_eq!(said.to_string(), "the file is no SQLite file, or it is encrypted");
}

#[test]
fn the_rows_before_the_damage_are_read() {
    let rows = "PRAGMA page_size = 512; CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT);
        WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 2000)
        INSERT INTO t SELECT n, printf('%.*c', 100, 'x') FROM up;";
    let made = made("broken.db", rows);
    let mut bytes = std::fs::read(&made.path).unwrap();
    let end = bytes.len();
    bytes[end - 512 * 100..end - 512 * 50].fill(0xee);
    std::fs::write(&made.path, bytes).unwrap();
    let mut text = Vec::new();
    let said = open(&made.path).unwrap().rows("t").unwrap().read_to_end(&mut text).unwrap_err();
    assert_eq!((said.kind(), said.to_string()), (io::ErrorKind::InvalidData, "the SQLite file is damaged".into()));
    assert!(text.starts_with(b"{\"n\":1,") && text.ends_with(b"\"}\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_read_or_said(
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..8),
        head in prop::collection::vec((0usize..100, any::<u8>()), 0..2),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        static SEED: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let seed = SEED.get_or_init(|| {
            let pages = format!("PRAGMA page_size = 512; {STORE}");
            std::fs::read(made("seed.db", &pages).path).unwrap()
        });
        let mut bytes = seed.clone();
        for (at, value) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        head.iter().for_each(|(at, value)| bytes[*at] = *value);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::fs::write(&path, bytes).unwrap();
        let read = open(&path).and_then(|database| {
            for table in database.tables()? {
                database.rows(&table.name)?.take(1 << 20).read_to_end(&mut Vec::new())?;
            }
            Ok(())
        });
        if let Err(cause) = read {
            prop_assert!(cause.to_string().contains("SQLite file"), "{}", cause);
        }
    }
}
