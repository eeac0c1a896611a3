//! What holds for any input.

use proptest::prelude::*;

use super::*;

fn text_of_rows() -> impl Strategy<Value = String> {
    let row = prop_oneof![
        4 => r#"\{"a":"[a-z\\\\\[\]{},]{0,8}"\}"#,
        1 => r#"\{"kind":"callback","body":\{"b":[0-9]{1,3}\}\}"#,
        1 => "[ \t]{0,3}",
        1 => r#"[\[\]{}",a= \\]{0,90}"#,
    ];
    let joined = |(rows, join): (Vec<String>, &str)| match join {
        "[" => format!("[{}]", rows.join(",")),
        "csv" => format!(
            "payload,id\n{}",
            rows.iter().map(|r| format!("\"{}\",7\n", r.replace('"', "\"\""))).collect::<String>()
        ),
        other => rows.join(other),
    };
    (prop::collection::vec(row, 0..12), prop::sample::select(vec!["\n", "\r\n", "[", "csv"])).prop_map(joined)
}

proptest! {
    #[test]
    fn pieces_and_chunks_do_not_matter(
        text in text_of_rows(),
        name in prop::sample::select(vec!["a.json", "a.ndjson", "a.csv"]),
        piece in 1usize..40,
        (chunk_bytes, chunk_rows) in (1usize..200, 1usize..5),
        compression in 0..3,
    ) {
        let whole = Options { limits: Limits { max_payload_bytes: 64, ..Limits::default() }, ..Options::default() };
        let limits = Limits { chunk_bytes, chunk_rows, ..whole.limits.clone() };
        let chunked = Options { limits, ..whole.clone() };
        let stored = match compression { 0 => text.clone().into_bytes(), 1 => gzip(text.as_bytes()), _ => zstandard(text.as_bytes()) };
        let expected = read_named(name, text.as_bytes(), usize::MAX, &whole);
        let (seen, summary) = read_named(name, &stored, piece, &chunked);
        prop_assert_eq!((seen, summary.format), (expected.0, expected.1.format));
    }

    #[test]
    fn every_byte_of_a_line_is_accounted_for(bytes in prop::collection::vec(prop::sample::select(b"{}[]\"a:1, \n\r\x00\xff".to_vec()), 0..300)) {
        let (seen, _) = read_named("a.ndjson", &bytes, 11, &small());
        let trim = |line: &'_ [u8]| line.trim_ascii().to_vec();
        let lines: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(trim).filter(|line| !line.is_empty()).collect();
        let accounted: Vec<usize> = seen.iter().map(|seen| match seen {
            Seen::Body { body, .. } => body.len(),
            Seen::Broken { bytes, .. } => *bytes as usize,
        }).collect();
        if lines.is_empty() || matches!(seen[..], [Seen::Broken { reason: RejectReason::TooLarge, .. }]) {
            prop_assert_eq!(seen.len(), 1);
        } else if !bytes.trim_ascii_start().starts_with(b"[") {
            for (line, count) in lines.iter().zip(&accounted) {
                prop_assert!(*count == line.len() || *count > 64 || line.starts_with(b"\""));
            }
            prop_assert_eq!(lines.len(), accounted.len());
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        magic in prop::sample::select(vec![&b""[..], b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"[{", b"payload,x\n", b"{\"body\":"]),
        name in prop::sample::select(vec!["a", "a.csv", "a.ndjson"]),
        piece in 1usize..50,
    ) {
        let bytes = [magic, &bytes].concat();
        let (seen, _) = read_named(name, &bytes, piece, &small());
        prop_assert!(!seen.is_empty() || name == "a.csv" || magic.starts_with(b"payload"));
    }
}
