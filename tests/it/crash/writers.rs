//! Two programs on one mart at once: one waits its turn by being told who writes, and a reader sees whole batches only.

use std::path::Path;
use std::process::{Child, Stdio};

use super::harness::{Rows, assert_rows, copy, reports, rows};
use super::{ingest, with_sources};
use crate::support::{Run, command, kycmart_in};

/// How often each pair starts at once.
const TIMES: u32 = 10;

fn start(home: &Path, arguments: &[&str]) -> Child {
    let mut command = command(home, arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

fn end(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Starts two commands at once: each ends well or names the other as the one who writes. Says how many were refused.
fn at_once(home: &Path, commands: [&[&str]; 2]) -> usize {
    let children = commands.map(|arguments| start(home, arguments));
    let ids = children.each_ref().map(Child::id);
    let runs = children.map(end);
    let mut refused = 0;
    for (number, run) in runs.iter().enumerate() {
        let holder = format!("is being written by kycmart {}", holder_name(commands[1 - number]));
        match run.code {
            0 => {}
            3 => {
                let names_it = run.err.contains(&format!("{holder}, process {}", ids[1 - number]));
                assert!(names_it && run.err.contains("hint: wait"), "{holder} {}: {}", ids[1 - number], run.err);
                refused += 1;
            }
            code => panic!("{code}: {}", run.err),
        }
    }
    assert!(refused < 2, "nobody wrote");
    refused
}

/// The words of a command before its arguments.
fn holder_name(arguments: &[&str]) -> String {
    let words = if arguments[0] == "mart" { 2 } else { 1 };
    arguments[..words].join(" ")
}

/// Starts two commands at once, again and again on a copy of `ready`, then both once more, one after the other; the rows
/// are then those of a mart on which nobody met anybody.
fn again_and_again(home: &Path, commands: [&[&str]; 2], expected: &Rows, rows_of: fn(&Path) -> Rows) {
    let mut refused = 0;
    for time in 0..TIMES {
        copy(&home.join("ready"), &home.join("m"));
        refused += at_once(home, commands);
        for arguments in commands {
            kycmart_in(home, arguments).expect(0);
        }
        assert_rows(&rows_of(&home.join("m")), expected, &format!("time {time}"));
    }
    println!("{commands:?}: {refused} of {TIMES} were refused");
    assert!(refused > 0, "they never met");
}

/// Rows without the number of their batch, and without the batches: who came first is left open.
fn rows_without_batches(mart: &Path) -> Rows {
    let mut rows = rows(mart);
    rows.remove("batches");
    for lines in rows.values_mut() {
        lines.iter_mut().for_each(|line| *line = line.split_once(": ").expect("a row").1.to_owned());
        lines.sort();
    }
    rows
}

#[test]
fn two_ingests_of_one_source_at_once_take_it_in_once() {
    let home = with_sources(2);
    ingest(&home, 1, "ready");
    copy(&home.path().join("ready"), &home.path().join("quiet"));
    ingest(&home, 2, "quiet");
    let command = ["ingest", "s2", "--mart", "m", "--key-file", "key"];
    again_and_again(home.path(), [&command, &command], &rows(&home.path().join("quiet")), rows);
    assert_eq!(reports(home.path(), "m"), reports(home.path(), "quiet"));
}

#[test]
fn two_ingests_of_two_sources_at_once_take_in_both() {
    let home = with_sources(3);
    ingest(&home, 1, "ready");
    copy(&home.path().join("ready"), &home.path().join("quiet"));
    (2..=3).for_each(|source| ingest(&home, source, "quiet"));
    let commands = ["s2", "s3"].map(|source| ["ingest", source, "--mart", "m", "--key-file", "key"]);
    let expected = rows_without_batches(&home.path().join("quiet"));
    again_and_again(home.path(), [&commands[0], &commands[1]], &expected, rows_without_batches);
    assert_eq!(reports(home.path(), "m"), reports(home.path(), "quiet"));
}

#[test]
fn two_nights_at_once_are_one() {
    let home = with_sources(2);
    ingest(&home, 1, "ready");
    copy(&home.path().join("ready"), &home.path().join("quiet"));
    ingest(&home, 2, "quiet");
    let command = ["nightly", "s2", "--mart", "m", "--out", "out", "--format", "csv", "--key-file", "key"];
    again_and_again(home.path(), [&command, &command], &rows(&home.path().join("quiet")), rows);
    let latest = crate::support::report_files(&home.path().join("out/latest"));
    assert_eq!(Some(latest), reports(home.path(), "quiet"));
}

#[test]
fn an_ingest_and_a_compaction_at_once_do_both() {
    let home = with_sources(4);
    (1..=3).for_each(|source| ingest(&home, source, "ready"));
    copy(&home.path().join("ready"), &home.path().join("quiet"));
    ingest(&home, 4, "quiet");
    let take_in = ["ingest", "s4", "--mart", "m", "--key-file", "key"];
    let compact = ["mart", "compact", "--mart", "m"];
    again_and_again(home.path(), [&take_in, &compact], &rows(&home.path().join("quiet")), rows);
    assert_eq!(reports(home.path(), "m"), reports(home.path(), "quiet"));
}

/// Whoever reads while somebody writes sees what was before or what is after.
#[test]
fn a_reader_beside_a_writer_sees_whole_batches() {
    let home = with_sources(3);
    let mart = home.path().join("m");
    (1..=2).for_each(|source| ingest(&home, source, "ready"));
    let before = rows(&home.path().join("ready"));
    copy(&home.path().join("ready"), &home.path().join("quiet"));
    ingest(&home, 3, "quiet");
    let after = rows(&home.path().join("quiet"));
    for arguments in [&["ingest", "s3", "--mart", "m", "--key-file", "key"][..], &["mart", "compact", "--mart", "m"]] {
        let mut looks = 0;
        for _ in 0..3 {
            copy(&home.path().join("ready"), &mart);
            let mut child = super::harness::start(home.path(), arguments);
            while child.try_wait().unwrap().is_none() {
                let found = rows(&mart);
                if found != after {
                    assert_rows(&found, &before, "while somebody writes");
                }
                looks += 1;
            }
        }
        println!("{arguments:?}: {looks} looks");
    }
}
