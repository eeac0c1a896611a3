//! The documents say what the code says.

use std::fmt::Write;
use std::path::Path;

use kycmart::record::{
    AuthorityStatus, Batch, CellType, Check, Code, Input, Observation, Receipt, Reject, Submission, Table, Tombstone,
    UnknownField,
};

/// Where the part of `docs/TABLES.md` begins that is written by hand; its snippets are run by `readers`.
const BY_HAND: &str = "\n## Reading the tables without kycmart\n";

/// `docs/TABLES.md` is written from the row types, but for its last part. After a change: `UPDATE_DOCS=1 make test`.
#[test]
fn tables_md_is_the_data_dictionary_of_the_row_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/TABLES.md");
    let on_disk = std::fs::read_to_string(&path).expect("docs/TABLES.md");
    let by_hand = on_disk.find(BY_HAND).map(|start| &on_disk[start..]).expect("docs/TABLES.md has its last part");
    let text = tables_md() + by_hand;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(&path, &text).expect("docs/TABLES.md can be written");
    }
    assert!(on_disk == text, "docs/TABLES.md is not what the row types say; run UPDATE_DOCS=1 make test");
}

fn tables_md() -> String {
    let mut text = String::from(HEAD);
    table::<Observation>(&mut text);
    table::<Check>(&mut text);
    table::<Receipt>(&mut text);
    table::<AuthorityStatus>(&mut text);
    table::<Submission>(&mut text);
    table::<Reject>(&mut text);
    table::<UnknownField>(&mut text);
    table::<Code>(&mut text);
    table::<Input>(&mut text);
    table::<Batch>(&mut text);
    table::<Tombstone>(&mut text);
    text
}

const HEAD: &str = "\
# Tables of the mart

A mart is a folder of [Delta Lake](https://delta.io) tables: Parquet files and a log that says which of them count. Only rows
whose `batch_id` is listed in `batches` count; a batch that was killed half-way is not listed, and the next run reads its
inputs again. Times are UTC, microseconds, without a zone; every time has a twin `…_us`, the same instant as a whole number,
so that SQL needs no date functions. Rows hold what was stated; what it means (`outcome`, `is_final`, `authority_signal`) is
resolved by the models in `queries/models` from `codes`. The reports' columns are in [METRICS.md](METRICS.md).

The tables are written here from the row types in `src/record.rs`; a test keeps the two equal. How other programs read them
stands [below](#reading-the-tables-without-kycmart).
";

fn table<T: Table>(text: &mut String) {
    let partition =
        T::PARTITION.map_or_else(|| "not partitioned".to_owned(), |column| format!("partitioned by `{column}`"));
    write!(text, "\n## `{}`\n\n{} ({partition})\n\n", T::NAME, T::DOC.trim()).unwrap();
    text.push_str("| column | type | may be NULL | meaning |\n|---|---|---|---|\n");
    for column in T::columns() {
        let nullable = if column.nullable { "yes" } else { "" };
        let doc = column.doc.trim().replace('|', "\\|");
        writeln!(text, "| `{}` | {} | {nullable} | {doc} |", column.name, type_name(column.cell)).unwrap();
    }
}

fn type_name(cell: CellType) -> &'static str {
    match cell {
        CellType::Text => "text",
        CellType::Integer => "64-bit integer",
        CellType::SmallInteger => "32-bit integer",
        CellType::Number => "64-bit float",
        CellType::Boolean => "boolean",
        CellType::Timestamp => "timestamp",
    }
}
