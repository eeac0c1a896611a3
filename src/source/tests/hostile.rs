//! Inputs that are empty, broken, too large or out to do harm.

use super::*;

#[test]
fn nothing_at_all_is_said_to_be_nothing() {
    for text in ["", " \n\t\r\n", "\u{feff}", "\u{feff}\n\n"] {
        for name in ["a.json", "a.ndjson", "a.csv", "-"] {
            let (seen, format) = read(name, text);
            assert_eq!((seen, format), (vec![broken(RejectReason::Empty, "", text.len() as u64)], "empty"));
        }
    }
    assert_eq!(read("a.gz", gzip(b"")).1, "empty");
}

#[test]
fn a_byte_order_mark_counts_in_offsets_only() {
    assert_eq!(read("a.json", "\u{feff}{\"a\":1}\n{\"a\":2}").0, [body("{\"a\":1}", 3), body("{\"a\":2}", 11)]);
    assert_eq!(bodies(&read("a.csv", "\u{feff}payload,id\n{},1\n").0), ["{}"]);
}

#[test]
fn what_is_too_large_is_passed_over_without_being_kept() {
    use RejectReason::TooLarge;
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000));
    let options = small();
    for piece in [7, usize::MAX] {
        let lines = format!("{{\"a\":1}}\n{long}\n{{\"a\":2}}\n");
        let expected = [body("{\"a\":1}", 0), broken(TooLarge, &long, 8), body("{\"a\":2}", 1_000_017)];
        assert_eq!(read_named("a.json", lines.as_bytes(), piece, &options).0, expected);
        let first = format!("{long}\n{{\"a\":2}}");
        let expected = [broken(TooLarge, &long, 0), body("{\"a\":2}", 1_000_009)];
        assert_eq!(read_named("a.json", first.as_bytes(), piece, &options).0, expected);
        let array = format!("[{{}},{long},{{}}]");
        let expected = [body("{}", 1), broken(TooLarge, &long, 4), body("{}", 1_000_013)];
        assert_eq!(read_named("a.json", array.as_bytes(), piece, &options).0, expected);
        let csv = format!("payload,x\n{{}},1\n{},2\n{{}},3\n", "y".repeat(1_000));
        let expected = [body("{}", 10), broken(TooLarge, "y".repeat(1_000) + ",2", 15), body("{}", 1_018)];
        assert_eq!(read_named("a.csv", csv.as_bytes(), piece, &options).0, expected);
        let form = "x".repeat(1_000_000);
        assert_eq!(read_named("a.form", form.as_bytes(), piece, &options).0, [broken(TooLarge, &form, 0)]);
    }
}

#[test]
fn a_row_of_exactly_the_limit_is_kept() {
    let row = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    for piece in [1, usize::MAX] {
        let text = format!("{}\n{}\n", row(64), row(65));
        let expected = [body(row(64), 0), broken(RejectReason::TooLarge, row(65), 65)];
        assert_eq!(read_named("a.ndjson", text.as_bytes(), piece, &small()).0, expected);
    }
}

#[test]
fn a_decompression_bomb_is_stopped_and_still_digested() {
    let text = "{\"a\":1}\n".to_owned() + &"x".repeat(2_000_000);
    for stored in [gzip(text.as_bytes()), zstandard(text.as_bytes())] {
        let (seen, _) = read_named("a.ndjson", &stored, 100, &small());
        assert_eq!(seen[0], body("{\"a\":1}", 0));
        let Seen::Broken { reason, bytes, offset, .. } = &seen[1] else { panic!("{seen:?}") };
        assert_eq!((*reason, *offset, seen.len()), (RejectReason::DecompressionBomb, 8, 2));
        assert!((100_000..500_000).contains(bytes), "{bytes}");
    }
    let plain = read_named("a.ndjson", text.as_bytes(), 1000, &small()).0;
    assert!(matches!(plain[1], Seen::Broken { reason: RejectReason::TooLarge, bytes: 2_000_000, .. }));
}

#[test]
fn damaged_archives_keep_what_came_before() {
    let rows: Vec<String> =
        (0..20_000).map(|n| format!("{{\"a\":\"{}\"}}", blake3::hash(&[n as u8, (n >> 8) as u8]))).collect();
    let text = rows.join("\n");
    for stored in [gzip(text.as_bytes()), zstandard(text.as_bytes())] {
        let (seen, _) = read("a.json.gz", &stored[..stored.len() / 2]);
        let kept = bodies(&seen);
        assert!(kept.len() > 100 && kept.iter().zip(&rows).all(|(a, b)| a == b), "{}", kept.len());
        assert_eq!(seen.len(), kept.len() + 1);
        let expected_offset = kept.len() as u64 * (rows[0].len() as u64 + 1);
        let Some(Seen::Broken { reason, offset, .. }) = seen.last() else { panic!() };
        assert_eq!((*reason, *offset), (RejectReason::DamagedArchive, expected_offset));
    }
    for stored in [&b"\x1f\x8b"[..], b"\x1f\x8b\x08\x00junk", b"\x28\xb5\x2f\xfd\x00", b"\x28\xb5\x2f\xfdjunkjunk"] {
        assert_eq!(read("a", stored).0, [broken(RejectReason::DamagedArchive, "", 0)]);
    }
}

#[test]
fn archives_of_several_members_are_read_through() {
    let (a, b) = (b"{\"a\":1}\n{\"a\"".as_slice(), b":2}\n".as_slice());
    for stored in [[gzip(a), gzip(b)].concat(), [zstandard(a), zstandard(b)].concat()] {
        assert_eq!(bodies(&read("a", stored).0), ["{\"a\":1}", "{\"a\":2}"]);
    }
    let skippable = [b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd".to_vec(), zstandard(b"{}")].concat();
    assert_eq!(bodies(&read("a", skippable).0), ["{}"]);
}

#[test]
fn deep_nesting_is_only_text_here() {
    for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000), format!("[{}", "{\"a\":[".repeat(50_000))] {
        assert_eq!(read("a.json", &text).0.len(), 1);
    }
}

#[test]
fn a_failing_disk_is_an_error_and_not_a_damaged_archive() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no medium"))
        }
    }
    let text = b"{\"a\":1}\n{\"a\":2}\n{\"a\":";
    for start in [text.to_vec(), gzip(&text.repeat(100_000))[..2_000].to_vec()] {
        let (stored, mut rows) = (Box::new(Cursor::new(start).chain(Failing)), 0);
        let result = read_stream(stored, None, &Input::file("a.ndjson"), &small(), &mut |chunk| {
            rows += chunk.len();
            ControlFlow::Continue(())
        });
        assert_eq!(result.unwrap_err().to_string(), "no medium");
        assert!(rows >= 2, "rows before the failure are handed on");
    }
}
