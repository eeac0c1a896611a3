//! A document around a list of rows: a page of an API's answer, an export of a queue or a table, a recording of HTTP.
//!
//! Not here: whether a document is a payload itself; the caller asks that first.

/// What documents call the list of their rows, lower case.
const ROWS: [&str; 17] = [
    "callbacks",
    "data",
    "docs",
    "entries",
    "events",
    "hits",
    "http_interactions",
    "interactions",
    "items",
    "logevents",
    "messages",
    "payloads",
    "records",
    "result",
    "results",
    "rows",
    "webhooks",
];

/// How many objects may stand around the list.
const DEEPEST: usize = 2;

/// Where the list of rows begins in a document, at its bracket: an array under a usual name whose first element is an
/// object or a string. The document may be cut off behind that.
pub(super) fn rows_begin(document: &[u8]) -> Option<usize> {
    let mut scan = Scan { text: document, at: 0 };
    scan.blanks();
    scan.object(DEEPEST).ok()
}

/// Why a scan ended without a list.
enum Stop {
    /// The object has none.
    Without,
    /// It is no JSON, or is cut off.
    Broken,
}

struct Scan<'t> {
    text: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    /// Goes through an object, up to the list.
    fn object(&mut self, depth: usize) -> Result<usize, Stop> {
        self.expect(b'{')?;
        loop {
            self.blanks();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Err(Stop::Without);
                }
                b',' => self.at += 1,
                b'"' => {
                    let is_rows = self.key()?;
                    match self.peek()? {
                        b'[' if is_rows && self.holds_rows() => return Ok(self.at),
                        b'{' if depth > 1 => match self.object(depth - 1) {
                            Err(Stop::Without) => {}
                            found => return found,
                        },
                        _ => self.skip()?,
                    }
                }
                _ => return Err(Stop::Broken),
            }
        }
    }

    /// Goes over a key and its colon; says whether it is a usual name of a list.
    fn key(&mut self) -> Result<bool, Stop> {
        let start = self.at + 1;
        self.string()?;
        let name = self.text[start..self.at - 1].to_ascii_lowercase();
        self.blanks();
        self.expect(b':')?;
        self.blanks();
        Ok(ROWS.iter().any(|row| row.as_bytes() == name))
    }

    fn holds_rows(&self) -> bool {
        let mut inside = Scan { text: self.text, at: self.at + 1 };
        inside.blanks();
        matches!(inside.peek(), Ok(b'{' | b'"'))
    }

    /// Goes over a value.
    fn skip(&mut self) -> Result<(), Stop> {
        let mut depth = 0_u64;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b'}' | b']' if depth == 0 => return Ok(()),
                _ => self.at += 1,
            }
        }
    }

    /// Goes over a string.
    fn string(&mut self) -> Result<(), Stop> {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let step = memchr::memchr2(b'"', b'\\', rest).ok_or(Stop::Broken)?;
            self.at += step + 1;
            match rest[step] {
                b'"' => return Ok(()),
                _ => self.at += 1,
            }
        }
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(|byte| super::window::is_blank(*byte)) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.text.get(self.at).copied().ok_or(Stop::Broken)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek()? != byte {
            return Err(Stop::Broken);
        }
        self.at += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn begins(text: &str) -> Option<&str> {
        rows_begin(text.as_bytes()).map(|at| &text[at..])
    }

    #[test]
    fn the_list_is_found_under_its_usual_names() {
        assert_eq!(begins(r#"{"Items":[{"a":1}],"Count":1}"#), Some(r#"[{"a":1}],"Count":1}"#));
        assert_eq!(begins(r#" {"next":null,"n":1.5,"data" : [ "x" ]}"#), Some(r#"[ "x" ]}"#));
        assert_eq!(begins(r#"{"log":{"creator":{"name":"x"},"entries":[{"#), Some("[{"));
        assert_eq!(begins(r#"{"hits":{"total":{"value":1},"hits":[{"a":1}]}}"#), Some(r#"[{"a":1}]}}"#));
        assert_eq!(begins(r#"{"a":"}\"","b":{"c":[{}]},"records":[{"d":1}]}"#), Some(r#"[{"d":1}]}"#));
    }

    #[test]
    fn other_documents_have_none() {
        for text in [
            r#"{"data":{"signatureId":"x"}}"#,
            r#"{"history":[{"a":1}]}"#,
            r#"{"data":[1,2]}"#,
            r#"{"data":[]}"#,
            r#"{"a":{"b":{"items":[{"c":1}]}}}"#,
            r#"{"data":"#,
            r#"{"a":"x"#,
            "[1]",
            "",
        ] {
            assert_eq!(begins(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_without_panic(text in r#"[{}\[\]:,"\\a data]{0,80}"#) {
            rows_begin(text.as_bytes());
        }
    }
}
