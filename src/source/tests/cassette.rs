//! Recordings of VCR and vcrpy, and texts that mean harm.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn lines(yaml: &str) -> io::Result<Vec<Value>> {
    let mut text = String::new();
    interactions(yaml.as_bytes().to_vec())?.read_to_string(&mut text)?;
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

const RUBY: &str = r#"---
http_interactions:
- request:
    method: post
    uri: https://api.example.test/v1/job_status
    body:
      encoding: UTF-8
      string: '{"user_id":"u-1","job_id":"j-1"}'
    headers:
      User-Agent:
      - Typhoeus - https://github.com/typhoeus/typhoeus
      Expect:
      - ''
  response:
    status:
      code: 200
      message: OK
    headers: !ruby/hash:Net::HTTP::ImmutableHeaderHash
      content-length:
      - '1292'
      server:
      - 
    body:
      encoding: ASCII-8BIT
      string: '{"timestamp":"2020-06-18T07:04:12.000Z","result":
        {"ResultCode":"1012","ResultText":"Exact
        Match"}}'
    http_version: '1.1'
    adapter_metadata:
      effective_url: https://api.example.test/v1/job_status
  recorded_at: Thu, 18 Jun 2020 07:04:12 GMT
- request:
    body:
      encoding: ASCII-8BIT
      base64_string: |
        eyJhIjox
        fQ==
  response:
    body:
      string: !binary |-
        eyJyIjoi
        w6kifQ==
recorded_with: VCR 5.1.0
"#;

#[test]
fn a_ruby_recording_is_one_line_for_each_interaction() {
    let read = lines(RUBY).unwrap();
    assert_eq!(read.len(), 2);
    let body = r#"{"timestamp":"2020-06-18T07:04:12.000Z","result": {"ResultCode":"1012","ResultText":"Exact Match"}}"#;
    assert_eq!(read[0]["response"]["body"], json!({"encoding": "ASCII-8BIT", "string": body}));
    assert_eq!(read[0]["response"]["status"]["code"], 200);
    assert_eq!(read[0]["response"]["http_version"], "1.1");
    assert_eq!(read[0]["response"]["headers"], json!({"content-length": ["1292"], "server": [null]}));
    assert_eq!(read[0]["recorded_at"], "Thu, 18 Jun 2020 07:04:12 GMT");
    assert_eq!(read[1]["request"]["body"]["base64_string"], "eyJhIjox\nfQ==\n");
    assert_eq!(read[1]["response"]["body"]["string"], "{\"r\":\"é\"}");
}

#[test]
fn a_python_recording_is_one_line_for_each_interaction() {
    let yaml = "interactions:\n- request:\n    body: null\n    headers:\n      Accept: ['*/*']\n    method: GET\n    \
        uri: https://api.example.test/\n  response:\n    body: {string: !!python/unicode '{\"a\": \"b\\\n        \
        c\"}'}\n    status: {code: 200, message: OK}\n- request: {body: !!binary |\n      /w==\n    }\nversion: 1\n";
    let yaml = yaml.replace("{body: !!binary |\n      /w==\n    }", "\n    body: !!binary |\n      /w==\n");
    let read = lines(&yaml).unwrap();
    assert_eq!(read[0]["request"]["headers"], json!({"Accept": ["*/*"]}));
    assert_eq!(read[0]["request"]["body"], Value::Null);
    assert!(read[0]["response"]["body"]["string"].as_str().unwrap().starts_with("{\"a\": \"b"));
    assert_eq!(read[1]["request"]["body"], "/w==");
}

#[test]
fn scalars_are_numbers_only_where_json_has_them_alike() {
    let yaml = "interactions:\n- {a: 1, b: 1.50, c: 007, d: 0x1f, e: '1', f: true, g: yes, h: ~, i: 1_000, j: -3, \
        k: .5, l: 12345678901234567890123, m: !!str 5, 5: n, null: o, p: 2020-06-18, q: .nan}\n";
    let wanted = json!([{"a": 1, "b": 1.5, "c": "007", "d": "0x1f", "e": "1", "f": true, "g": "yes", "h": null,
        "i": "1_000", "j": -3, "k": ".5", "l": "12345678901234567890123", "m": "5", "5": "n", "null": "o",
        "p": "2020-06-18", "q": ".nan"}]);
    assert_eq!(Value::from(lines(yaml).unwrap()), wanted);
}

#[test]
fn aliases_stand_for_what_their_anchors_hold() {
    let yaml = "shared: &h {k: [1, 2]}\ninteractions:\n- {a: &t text, b: *t, c: *h, *t : d}\n- *h\n";
    let wanted = json!([{"a": "text", "b": "text", "c": {"k": [1, 2]}, "text": "d"}, {"k": [1, 2]}]);
    assert_eq!(Value::from(lines(yaml).unwrap()), wanted);
    assert!(lines("interactions:\n- &a [*a]\n").is_err());
    assert!(lines("interactions:\n- *none\n").is_err());
}

#[test]
fn aliases_cannot_grow_without_end() {
    let mut yaml = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        yaml.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    yaml.push_str("interactions:\n- *a11\n");
    assert_eq!(lines(&yaml).unwrap_err().to_string(), "the aliases of the YAML file repeat more than 64 MiB");
}

#[test]
fn deep_nesting_is_an_error() {
    for (open, count) in [("- ", 200), ("- ", 50_000), ("[", 200), ("[", 100_000), ("{a: ", 50_000), ("? ", 50_000)] {
        let yaml = format!("interactions:\n- {}", open.repeat(count));
        assert_eq!(lines(&yaml).unwrap_err().kind(), io::ErrorKind::InvalidData, "{open} {count}");
    }
}

#[test]
fn interactions_before_the_damage_are_read() {
    let mut reader = interactions(b"interactions:\n- {a: 1}\n- {b: 2}\n- {c: [}\n".to_vec()).unwrap();
    let mut text = Vec::new();
    let said = reader.read_to_end(&mut text).unwrap_err();
    assert_eq!((text.as_slice(), said.kind()), (&b"{\"a\":1}\n{\"b\":2}\n"[..], io::ErrorKind::InvalidData));
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    assert!(interactions(b"interactions: \xff".to_vec()).is_err());
    assert!(lines("- a\n- b\n").is_err());
    assert_eq!(lines("http_interactions: []\nrecorded_with: VCR 6.0.0\n").unwrap(), Vec::<Value>::new());
}

#[test]
fn a_recording_is_known_by_its_first_lines() {
    for text in [
        RUBY,
        "interactions:\n- a",
        "# made by hand\n\n---\r\nversion: 1\r\ninteractions: []\n",
        "\u{feff}---\nhttp_interactions:\n",
    ] {
        assert!(looks_like(text.as_bytes()), "{text}");
    }
    for text in
        ["", "---\n", "{\"interactions\": []}", "a: 1\ninteractions:\n", "interactions\n", "log interactions: 3", "- a"]
    {
        assert!(!looks_like(text.as_bytes()), "{text}");
    }
}

/// Texts on which a parser that looks back would never end.
#[test]
fn long_texts_of_one_shape_are_read_to_their_end() {
    let long = [
        format!("interactions:\n- a: {}\n", "x ".repeat(1 << 20)),
        format!("interactions:\n- a: '{}'\n", "x\n    ".repeat(1 << 19)),
        format!("interactions:\n- a: |\n{}\n", "    x\n".repeat(1 << 19)),
        format!("interactions:\n- a: >\n{}\n", "    x\n\n".repeat(1 << 19)),
        format!("interactions:\n{}\n", "- {a: b}\n".repeat(1 << 18)),
        format!("interactions:\n- [{}]\n", "a, ".repeat(1 << 19)),
        format!("interactions:\n{}\n- a\n", "# comment\n".repeat(1 << 18)),
        format!("interactions:\n- a{}: b\n", "\n".repeat(1 << 20)),
        format!("interactions:\n{}", "- &a a\n- *a\n".repeat(1 << 17)),
        format!("interactions:\n- {}", "\"\\x41".repeat(1 << 18)),
        format!("interactions:\n- {}", "? a\n".repeat(1 << 18)),
        format!("interactions:\n- {}", "[]: ".repeat(1 << 18)),
        format!("interactions: [{}", "{a: ".repeat(1 << 18)),
    ];
    for yaml in long {
        let _ = lines(&yaml);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_an_error(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "a", ": ", ":", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ",", "'", "\"", "|", ">", "|2-", "&x ", "*x", "!binary ",
            "!!str ", "!", "? ", "#", "---", "...", "%YAML 1.2", "\t", "é", "\u{feff}", "\\x", "<<", "null", "1",
        ]), 0..40),
        head in prop::sample::select(vec!["", "interactions:\n- ", "http_interactions:\n- a: "]),
    ) {
        let _ = lines(&format!("{head}{}", pieces.concat()));
    }

    #[test]
    fn a_changed_recording_is_read_or_an_error(changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..6)) {
        let mut bytes = RUBY.as_bytes().to_vec();
        for (at, value) in &changes {
            bytes[at.index(RUBY.len())] = value % 128;
        }
        let _ = lines(std::str::from_utf8(&bytes).unwrap());
    }
}
