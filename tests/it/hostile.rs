//! Input that is empty, broken, too large or out to do harm: each is named with file and offset, the payloads beside it all
//! count, and memory stays below [`BOUND`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Run, command, folder, kycmart_in, kycmart_with_input, query, report_files};

/// Most memory that reading may take, in bytes, whatever the input.
const BOUND: u64 = 512 << 20;
const MEGABYTE: usize = 1 << 20;

/// A payload that counts: Smile ID, order `order-<number>`.
fn good(number: u32) -> String {
    padded(number, 0)
}

/// The same with a photo of this many characters.
fn padded(number: u32, photo: usize) -> String {
    let (job, day, photo) = (format!("{number:010}"), 1 + number % 28, "iVBOR".repeat(photo / 5));
    let params = format!(r#"{{"job_id":"order-{number}","user_id":"u-{number}","job_type":5}}"#);
    let result = r#""ResultCode":"1012","ResultText":"ID Validated","Country":"NG","IDType":"BVN""#;
    let stamp = format!(r#""Photo":"{photo}","timestamp":"2026-05-{day:02}T10:00:00.000Z""#);
    format!(r#"{{"SmileJobID":"{job}","PartnerParams":{params},{result},{stamp}}}"#)
}

fn zipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn subfolder(folder: &Path, name: &str) -> PathBuf {
    fs::create_dir_all(folder.join(name)).unwrap();
    folder.join(name)
}

/// One bad file: its name, what is in it, why it is rejected (any of these words), and at which byte.
struct Bad(&'static str, Vec<u8>, &'static [&'static str], usize);

/// Files with exactly one reject each; what else is in them is in [`good_orders`].
fn bad_files() -> Vec<Bad> {
    let text = |text: &str| text.as_bytes().to_vec();
    let lines = |number: u32, broken: &str| text(&format!("{}\n{broken}\n{}\n", good(number), good(number + 1)));
    let first = good(100).len() + 1;
    let half = |number: u32| good(number)[..200].to_owned();
    let many: String = (0..2000).map(|n| blake3::hash(&[n as u8, (n >> 8) as u8]).to_string()).collect();
    let cut_zip = zipped(format!("{}\n{many}\n", good(106)).as_bytes());
    vec![
        Bad("empty.json", Vec::new(), &["empty"], 0),
        Bad("blank.json", text(" \r\n\t\n  "), &["empty"], 7),
        Bad("truncated.json", text(&half(1)), &["truncated_json"], 0),
        Bad("broken.json", text(r#"{"SmileJobID": Okafor}"#), &["invalid_json"], 0),
        Bad("numbers.json", text("[1, 2, 3]"), &["not_an_object"], 0),
        Bad("open.json", text(&"[".repeat(100_000)), &["truncated_json"], 0),
        Bad("deep.json", text(&("[".repeat(100_000) + &"]".repeat(100_000))), &["not_an_object"], 0),
        Bad("deeper.json", text(&(r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000))), &["unknown_shape"], 0),
        Bad("latin1.json", b"{\"SmileJobID\":\"1\",\"FullName\":\"Zo\xeb\"}".to_vec(), &["not_utf8"], 0),
        Bad("utf16.json", b"\xff\xfe{\x00\"\x00a\x00\"\x00".to_vec(), &["not_utf8"], 0),
        Bad("zeros.json", vec![0; 1000], &["unknown_shape", "invalid_json"], 0),
        Bad("zero.json", text("{\"a\":\"1\u{0}\"}"), &["invalid_json"], 0),
        Bad("letter.txt", text("Dear Sir, the file is attached."), &["unknown_shape"], 0),
        Bad("order.json", text(r#"{"order": 7, "lines": []}"#), &["unknown_shape"], 0),
        Bad("table.csv", text("id,owner\n1,Test\n2,Tester\n"), &["no_payload"], 0),
        Bad("junk.json.gz", b"\x1f\x8b\x08\x00nothing of the kind".to_vec(), &["damaged_archive"], 0),
        Bad("line.ndjson", lines(100, &half(1)), &["truncated_json"], first),
        Bad("line.json", lines(102, r#"{"SmileJobID": Obi}"#), &["invalid_json"], first),
        Bad("bytes.ndjson", lines(104, "\u{0}\u{0}\u{0}"), &["unknown_shape", "invalid_json"], first),
        Bad("cut.ndjson.gz", cut_zip[..cut_zip.len() - 2000].to_vec(), &["damaged_archive"], first),
        Bad("cut.json", text(&format!("[{},{},{}", good(107), good(108), half(1))), &["truncated_json"], 2 * first + 1),
    ]
}

/// Files that only look bad.
fn odd_files() -> Vec<(&'static str, String)> {
    let twice = good(111).replacen("\"ResultCode\":\"1012\"", "\"ResultCode\":\"1013\",\"ResultCode\":\"1012\"", 1);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    vec![
        ("plain.json", good(109)),
        ("mark.json", format!("\u{feff}{}", good(110))),
        ("twice.json", twice),
        ("windows.ndjson", format!("{}\r\n\r\n{}\r\n", good(112), good(113))),
        ("rows.json", format!("{}\n{}\n", good(114), good(115))),
        ("folder.json/inner.json", good(116)),
        ("depth.json", good(117).replacen("\"Country\"", &format!("\"FullData\":{deep},\"Country\""), 1)),
    ]
}

/// Orders of all payloads that are whole, of both lists.
fn good_orders() -> BTreeSet<String> {
    (100..=117).map(|number| format!("order-{number}")).collect()
}

fn write_all(root: &Path) {
    for Bad(name, bytes, ..) in bad_files() {
        fs::write(root.join(name), bytes).unwrap();
    }
    for (name, text) in odd_files() {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), text).unwrap();
    }
}

/// The orders whose payloads count, each of which must have passed.
#[track_caller]
fn orders(folder: &Path, mart: &str) -> BTreeSet<String> {
    let rows = query(folder, mart, "SELECT partner_job_id, result_code FROM observations ORDER BY 1");
    assert!(rows.iter().all(|row| row["result_code"] == "1012"), "{rows:?}");
    let orders: BTreeSet<String> = rows.iter().map(|row| row["partner_job_id"].clone()).collect();
    assert_eq!(orders.len(), rows.len(), "an order counts twice");
    orders
}

/// Seen, new, known and rejected payloads over all batches, after a look at the accounting identity of each.
#[track_caller]
fn accounts(folder: &Path, mart: &str) -> [u64; 4] {
    let sql = "SELECT payloads_seen, payloads_new, payloads_known, payloads_rejected FROM batches";
    let mut sums = [0; 4];
    for row in query(folder, mart, sql) {
        let counts =
            ["seen", "new", "known", "rejected"].map(|c| row[&format!("payloads_{c}")].parse::<u64>().unwrap());
        assert_eq!(counts[0], counts[1] + counts[2] + counts[3], "{counts:?}");
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    sums
}

#[test]
fn every_bad_payload_is_a_named_reject_and_all_good_ones_beside_it_count() {
    let (home, bad) = (folder(), bad_files());
    write_all(&subfolder(home.path(), "in"));
    kycmart_in(home.path(), &["nightly", "in", "--mart", "m", "--out", "out"]).expect(0);
    assert_eq!(orders(home.path(), "m"), good_orders());
    assert_eq!(accounts(home.path(), "m"), [18 + bad.len() as u64, 18, 0, bad.len() as u64]);

    let rows = query(home.path(), "m", "SELECT source, reason, source_offset, detail FROM rejects");
    let rows: BTreeMap<String, _> = rows.into_iter().map(|row| (row["source"].clone(), row)).collect();
    let run: Value = serde_json::from_slice(&fs::read(home.path().join("out/latest/run.json")).unwrap()).unwrap();
    let named = run["ingest"]["rejects"].as_array().unwrap();
    assert_eq!(run["ingest"]["accounting_holds"], true);
    assert_eq!((rows.len(), named.len()), (bad.len(), bad.len()));
    for Bad(name, _, reasons, offset) in &bad {
        let row = rows.get(&format!("in/{name}")).unwrap_or_else(|| panic!("{name} is not rejected"));
        assert!(reasons.contains(&row["reason"].as_str()), "{name}: {row:?}");
        assert_eq!(row["source_offset"], offset.to_string(), "{name}: {row:?}");
        assert!(!row["detail"].is_empty() && !row["detail"].contains("Okafor"), "{name}: {row:?}");
        let entry = named.iter().find(|entry| entry["source"] == row["source"].as_str()).expect("in run.json");
        assert_eq!((&entry["offset"], entry["reason"].as_str()), (&Value::from(*offset), Some(row["reason"].as_str())));
    }
}

#[test]
fn a_bad_file_is_named_on_standard_error_with_its_offset_and_reason() {
    let (home, bad) = (folder(), bad_files());
    for (number, group) in bad.chunks(7).enumerate() {
        let names: Vec<&str> = group.iter().map(|Bad(name, ..)| *name).collect();
        for Bad(name, bytes, ..) in group {
            fs::write(home.path().join(name), bytes).unwrap();
        }
        let mart = format!("m{number}");
        let run = kycmart_in(home.path(), &[&["ingest", "--mart", &mart], names.as_slice()].concat()).expect(0);
        for Bad(name, _, reasons, offset) in group {
            let line = run.err.lines().find(|line| line.contains(&format!("{name} ")));
            let line = line.unwrap_or_else(|| panic!("{name} is not named:\n{}", run.err));
            assert!(line.contains(&format!("byte {offset})")), "{line}");
            assert!(reasons.iter().any(|reason| line.contains(reason)), "{line}");
        }
    }
}

#[test]
fn inspect_prints_one_line_for_every_payload_of_bad_files_and_exits_with_1() {
    let home = folder();
    write_all(home.path());
    let run = kycmart_in(home.path(), &["inspect", "."]).expect(1);
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let rejected: Vec<_> = lines.iter().filter(|line| line["kind"] == "unreadable").collect();
    assert_eq!((lines.len(), rejected.len()), (18 + bad_files().len(), bad_files().len()));
    assert!(rejected.iter().all(|line| !line["problems"].as_array().unwrap().is_empty()), "a reject says why");
    let twice = lines.iter().find(|line| line["file"].as_str().unwrap().ends_with("twice.json")).unwrap();
    assert!(twice["problems"].to_string().contains("duplicate"), "{twice}");
}

#[test]
fn rejects_change_the_exit_code_only_where_it_is_asked_for() {
    let (home, rejects) = (folder(), bad_files().len());
    write_all(&subfolder(home.path(), "in"));
    let ingest =
        |mart: &str, finding: &[&str]| kycmart_in(home.path(), &[&["ingest", "in", "--mart", mart], finding].concat());
    ingest("m1", &["--fail-on", &format!("rejects={rejects}")]).expect(0);
    let run = ingest("m2", &["--fail-on", &format!("rejects={}", rejects - 1)]).expect(1);
    assert!(run.err.contains(&format!("rejects: {rejects}")), "{}", run.err);
    assert_eq!(orders(home.path(), "m2"), good_orders(), "the work is done all the same");
}

#[test]
fn a_folder_without_payloads_is_nothing_to_do() {
    let home = folder();
    subfolder(home.path(), "in/deeper");
    for command in ["ingest", "nightly"] {
        let run = kycmart_in(home.path(), &onto(command, &["in"])).expect(0);
        assert!(run.err.contains("nothing to do"), "{}", run.err);
    }
}

#[test]
fn a_missing_path_is_a_usage_error_that_names_it_and_takes_nothing_in() {
    let home = folder();
    fs::write(home.path().join("a.json"), good(1)).unwrap();
    for command in ["ingest", "nightly", "inspect"] {
        let run = kycmart_in(home.path(), &onto(command, &["a.json", "no/such"])).expect(2);
        assert!(run.err.contains("no/such: no such file or folder"), "{}", run.err);
    }
    kycmart_in(home.path(), &["ingest", "a.json", "--mart", "m"]).expect(0);
    assert_eq!(accounts(home.path(), "m"), [1, 1, 0, 0]);
}

/// A command with its sources, the mart `m` and the reports `out`, as far as it has them.
fn onto<'a>(command: &'a str, sources: &[&'a str]) -> Vec<&'a str> {
    let places = ["--mart", "m", "--out", "out"];
    let count = ["inspect", "ingest", "nightly"].iter().position(|name| *name == command).unwrap();
    [&[command], sources, &places[..2 * count]].concat()
}

/// All but the first hold for whoever asks.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_is_named_and_costs_only_itself() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    for trouble in ["permissions", "input or output", "dangling", "loop"] {
        let home = folder();
        let bad = subfolder(home.path(), "in").join("bad.json");
        fs::write(bad.with_file_name("a.json"), good(1)).unwrap();
        fs::write(bad.with_file_name("z.json"), good(2)).unwrap();
        match trouble {
            "permissions" => {
                fs::write(&bad, good(3)).unwrap();
                fs::set_permissions(&bad, fs::Permissions::from_mode(0o000)).unwrap();
                if File::open(&bad).is_ok() {
                    continue; // root reads everything
                }
            }
            "input or output" => symlink("/proc/self/mem", &bad).unwrap(),
            "dangling" => symlink("nothing", &bad).unwrap(),
            _ => symlink("bad.json", &bad).unwrap(),
        }
        let run = kycmart_in(home.path(), &["ingest", "in", "--mart", "m"]).expect(3);
        assert!(run.err.contains("in/bad.json"), "{trouble}: {}", run.err);
        assert_eq!(accounts(home.path(), "m"), [2, 2, 0, 0], "{trouble}");
        fs::remove_file(&bad).unwrap();
        fs::write(&bad, good(3)).unwrap();
        kycmart_in(home.path(), &["ingest", "in", "--mart", "m"]).expect(0);
        assert_eq!(orders(home.path(), "m").len(), 3, "{trouble}: mended and read");
    }
}

#[cfg(unix)]
#[test]
fn folders_that_contain_themselves_are_read_once() {
    let home = folder();
    let inner = subfolder(home.path(), "in/a");
    fs::write(inner.join("a.json"), good(1)).unwrap();
    std::os::unix::fs::symlink("..", inner.join("up")).unwrap();
    kycmart_in(home.path(), &["ingest", "in", "--mart", "m"]).expect(0);
    assert_eq!(accounts(home.path(), "m"), [1, 1, 0, 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_is_named_as_a_path_loses_nothing() {
    let home = folder();
    let run = kycmart_with_input(home.path(), &["ingest", "/dev/stdin", "--mart", "m"], good(1).as_bytes());
    match run.code {
        0 => assert_eq!(accounts(home.path(), "m"), [1, 1, 0, 0], "{}", run.err),
        code => assert!(code > 1 && run.err.contains("/dev/stdin"), "{code}: {}", run.err),
    }
}

/// The run, and the most memory it had (0 where the system does not tell). A program that hangs is ended after two minutes.
fn watched(folder: &Path, arguments: &[&str]) -> (Run, u64) {
    let mut child = command(folder, arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (status, mut peak, mut left) = (format!("/proc/{}/status", child.id()), 0, 12_000);
    let code = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = kilobytes.map_or(peak, |kilobytes| kilobytes << 10);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().unwrap_or(-1);
        }
        match left {
            0 => child.kill().unwrap(),
            _ => left -= 1,
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let err = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(peak > 0 || cfg!(not(target_os = "linux")), "its memory was not seen");
    println!("{arguments:?}: at most {} MB", peak >> 20);
    (Run { code, out: String::new(), err }, peak)
}

/// Ingests one file in bounded memory: this many payloads count, and these are rejected, at these bytes.
#[track_caller]
fn bounded(home: &Path, name: &str, new: u64, rejects: &[(&str, u64)]) {
    let (run, peak) = watched(home, &["ingest", name, "--mart", "m"]);
    fs::remove_file(home.join(name)).unwrap();
    run.expect(0);
    assert!(peak < BOUND, "{name}: {} MB", peak >> 20);
    let rows = query(home, "m", "SELECT reason, source_offset FROM rejects ORDER BY source_offset");
    let found: Vec<_> = rows.iter().map(|r| (r["reason"].as_str(), r["source_offset"].parse().unwrap())).collect();
    assert_eq!(found, rejects);
    assert_eq!(accounts(home, "m"), [new + rejects.len() as u64, new, 0, rejects.len() as u64]);
}

fn file(home: &Path, name: &str) -> BufWriter<File> {
    BufWriter::with_capacity(MEGABYTE, File::create(home.join(name)).unwrap())
}

#[test]
fn a_payload_of_200_megabytes_is_too_large_as_a_line_and_as_a_file() {
    let (start, end) = (good(1) + "\n", "\n".to_owned() + &good(2));
    for (name, start, end, new) in [("line.ndjson", start.as_str(), end.as_str(), 2), ("single.json", "", "", 0)] {
        let home = folder();
        let mut out = file(home.path(), name);
        write!(out, r#"{start}{{"SmileJobID":"0000000007","ResultCode":"1012","Photo":""#).unwrap();
        (0..200).for_each(|_| out.write_all(&[b'A'; MEGABYTE]).unwrap());
        write!(out, "\"}}{end}").unwrap();
        drop(out);
        bounded(home.path(), name, new, &[("too_large", start.len() as u64)]);
    }
}

#[test]
fn a_cell_of_70_megabytes_is_too_large_and_its_neighbours_count() {
    let home = folder();
    let mut out = file(home.path(), "cells.csv");
    let row = |number: u32| format!("{number},\"{}\"\n", good(number).replace('"', "\"\""));
    let start = format!("id,payload\n{}", row(1));
    write!(out, "{start}2,\"").unwrap();
    (0..70).for_each(|_| out.write_all(&vec![b'B'; MEGABYTE]).unwrap());
    write!(out, "\"\n{}", row(3)).unwrap();
    drop(out);
    bounded(home.path(), "cells.csv", 2, &[("too_large", start.len() as u64)]);
}

/// A good payload and two gigabytes of one byte behind it, compressed in parts.
fn bomb(byte: u8, zstandard: bool) -> Vec<u8> {
    let pack = |bytes: &[u8]| if zstandard { zstd::encode_all(bytes, 3).unwrap() } else { zipped(bytes) };
    let part = pack(&vec![byte; 64 * MEGABYTE]);
    [pack(format!("{}\n", good(1)).as_bytes()), part.repeat(32)].concat()
}

#[test]
fn bombs_are_stopped_and_what_came_before_counts() {
    for (name, byte) in [("zeros.ndjson.gz", 0), ("zeros.json.zst", 0), ("lines.ndjson.zst", b'\n')] {
        let home = folder();
        fs::write(home.path().join(name), bomb(byte, name.ends_with("zst"))).unwrap();
        fs::write(home.path().join("z.json"), good(2)).unwrap();
        let (run, peak) = watched(home.path(), &["ingest", name, "z.json", "--mart", "m"]);
        let err = run.expect(0).err;
        assert!(err.contains(&format!("{name} (payload 1, byte ")) && err.contains("decompression_bomb"), "{err}");
        assert!(peak < BOUND, "{name}: {} MB", peak >> 20);
        assert_eq!(accounts(home.path(), "m"), [3, 2, 0, 1], "{name}");
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_payloads() {
    let home = folder();
    let mut out = file(home.path(), "small.ndjson");
    let payloads = (300 * MEGABYTE / padded(100_000, 1200).len()) as u32;
    (0..payloads).for_each(|number| writeln!(out, "{}", padded(100_000 + number, 1200)).unwrap());
    drop(out);
    bounded(home.path(), "small.ndjson", payloads.into(), &[]);
}

#[test]
fn payloads_of_very_many_fields_or_names_cost_neither_memory_nor_the_night() {
    let home = folder();
    let mut out = file(home.path(), "many.ndjson");
    for number in 1..=4 {
        out.write_all(good(number).trim_end_matches('}').as_bytes()).unwrap();
        (0..8_000_000).for_each(|_| out.write_all(br#","a":1"#).unwrap());
        out.write_all(b"}\n").unwrap();
    }
    let names: Vec<String> = (0..300_000).map(|number| format!("\"p{number:07}\"")).collect();
    let people = format!("\"FullData\":[{}],\"Country\"", names.join(","));
    write!(out, "{}\n{}", good(5).replacen("\"Country\"", &people, 1), good(6)).unwrap();
    drop(out);
    let (run, peak) = watched(home.path(), &["ingest", "many.ndjson", "--mart", "m"]);
    run.expect(0);
    assert!(peak < BOUND, "{} MB", peak >> 20);
    assert_eq!(accounts(home.path(), "m")[0], 6);
    assert!(orders(home.path(), "m").contains("order-6"));
}

#[test]
fn reports_that_cannot_be_written_are_a_failure_that_names_the_path() {
    let home = folder();
    fs::write(home.path().join("a.json"), good(1)).unwrap();
    fs::write(home.path().join("taken"), "a file").unwrap();
    for out in ["taken", "taken/below"] {
        let run = kycmart_in(home.path(), &["nightly", "a.json", "--mart", "m", "--out", out]).expect(3);
        assert!(run.err.contains("taken"), "{}", run.err);
    }
    kycmart_in(home.path(), &["ingest", "a.json", "--mart", "taken"]).expect(3);
    kycmart_in(home.path(), &["report", "--mart", "m", "--out", "out"]).expect(0);
    assert_eq!(accounts(home.path(), "m"), [1, 1, 0, 0], "what was taken in before the failure is kept");
}

/// A file system that takes only files below a limit stands in for one that is full.
#[cfg(unix)]
fn on_a_full_disk(folder: &Path, arguments: &str) -> Run {
    let program = env!("CARGO_BIN_EXE_kycmart");
    let script = format!("trap '' XFSZ; ulimit -f 1; exec '{program}' {arguments}");
    let output = std::process::Command::new("sh").current_dir(folder).args(["-c", &script]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

#[cfg(unix)]
#[test]
fn a_full_disk_fails_the_run_and_leaves_the_night_before_as_it_was() {
    let home = folder();
    write_all(&subfolder(home.path(), "in"));
    fs::write(home.path().join("a.json"), good(1)).unwrap();
    kycmart_in(home.path(), &["nightly", "a.json", "--mart", "m", "--out", "out"]).expect(0);
    let latest = home.path().join("out/latest");
    let (before, accounted) = (report_files(&latest), accounts(home.path(), "m"));
    for arguments in ["report --mart m --out out", "ingest in --mart m"] {
        let run = on_a_full_disk(home.path(), arguments).expect(3);
        assert!(run.err.contains("kycmart: ") && !run.err.contains("panicked"), "{}", run.err);
    }
    assert_eq!(report_files(&latest), before);
    assert_eq!(accounts(home.path(), "m"), accounted, "no half of a batch counts");
    kycmart_in(home.path(), &["nightly", "in", "--mart", "m", "--out", "out"]).expect(0);
    assert_eq!(orders(home.path(), "m").len(), 19);
}

#[cfg(unix)]
#[test]
fn an_interrupted_ingest_is_made_good_by_the_next() {
    let home = folder();
    kycmart_in(home.path(), &["sample", "--out", "in", "--payloads", "20000", "--seed", "5", "--days", "10"]).expect(0);
    kycmart_in(home.path(), &["ingest", "in", "--mart", "quiet"]).expect(0);
    let files = || walkdir::WalkDir::new(home.path().join("m")).into_iter().count();
    let mut disturbed = 0;
    for growth in [1, 5, 10, 12, 14, 16, 18, 20, 24, 28] {
        let enough = files() + growth;
        let mut child = spawn(home.path(), &["ingest", "in", "--mart", "m"]);
        while files() < enough && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let signal = if growth % 4 == 0 { "-KILL" } else { "-INT" };
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).output().unwrap();
        disturbed += u32::from(child.wait().unwrap().code().is_none());
    }
    println!("{disturbed} runs were interrupted");
    assert!(disturbed > 0, "every run was over before its signal");
    kycmart_in(home.path(), &["ingest", "in", "--mart", "m"]).expect(0);
    let reports = |mart: &str| {
        kycmart_in(home.path(), &["report", "--mart", mart, "--out", "out"]).expect(0);
        report_files(&home.path().join("out/latest"))
    };
    assert_eq!(reports("m"), reports("quiet"));
    accounts(home.path(), "m");
}

fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    command(folder, arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_second_ingest_on_the_same_mart_is_told_who_writes_and_harms_nothing() {
    let home = folder();
    fs::write(home.path().join("a.json"), good(1)).unwrap();
    let mut first = spawn(home.path(), &["ingest", "-", "--mart", "m"]); // holds the lock until its input ends
    let lock = home.path().join("m/.lock");
    while !fs::read_to_string(&lock).unwrap_or_default().contains("process") {
        assert!(first.try_wait().unwrap().is_none(), "the first one is gone");
        std::thread::sleep(Duration::from_millis(5));
    }
    for second in ["ingest", "nightly"] {
        let run = kycmart_in(home.path(), &onto(second, &["a.json"])).expect(3);
        assert!(run.err.contains(&format!("kycmart ingest, process {}", first.id())), "{}", run.err);
    }
    first.stdin.take().unwrap().write_all(good(2).as_bytes()).unwrap();
    assert!(first.wait().unwrap().success());
    kycmart_in(home.path(), &["ingest", "a.json", "--mart", "m"]).expect(0);
    assert_eq!(accounts(home.path(), "m"), [2, 2, 0, 0]);
}
