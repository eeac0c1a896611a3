//! Where a row ends: cheap scanners that can stop at any byte and go on with the next block.
//!
//! Not here: what is in a row, and how large it may be.

use memchr::{memchr, memchr2, memchr3};

use super::window::is_blank;
use crate::record::RejectReason;

/// The end of a row, and the beginning of the next, in the bytes that were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) end: usize,
    pub(super) next: usize,
}

/// What is left when the input ends before a row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// A last row, or nothing if it is blank.
    Row,
    /// Something that should not be there or is not whole.
    Broken(RejectReason, &'static str),
    /// A whole row, but the text around it is not.
    RowThenBroken(RejectReason, &'static str),
}

/// Finds the ends of rows, one format each.
#[derive(Debug)]
pub(super) enum Splitter {
    /// The whole input is one row.
    Whole,
    /// Every line is a row.
    Lines,
    /// A row is a record of RFC 4180: line ends inside quotes belong to it.
    Records(Field),
    /// A row is an element of a JSON array.
    Elements(Elements),
    /// A row is a JSON value; they follow one another, laid out over any number of lines.
    Values(Values),
}

impl Splitter {
    /// Looks for the end of the current row. After `None` the next call goes on behind these bytes.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<Cut> {
        match self {
            Splitter::Whole => None,
            Splitter::Lines => memchr(b'\n', bytes).map(|end| Cut { end, next: end + 1 }),
            Splitter::Records(field) => field.find(bytes),
            Splitter::Elements(elements) => elements.find(bytes),
            Splitter::Values(values) => values.find(bytes),
        }
    }

    /// What the bytes since the last cut are, at the end of the input.
    pub(super) fn rest(&self) -> Rest {
        match self {
            Splitter::Elements(elements) => elements.rest(),
            _ => Rest::Row,
        }
    }
}

/// Place inside a CSV record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    delimiter: u8,
    place: InField,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum InField {
    #[default]
    Start,
    Bare,
    Quoted,
    /// After a quote inside a quoted field: its end, or the first of a doubled quote.
    Quote,
}

impl Field {
    /// At the beginning of a record of fields that this byte parts.
    pub(super) fn new(delimiter: u8) -> Self {
        Field { delimiter, place: InField::Start }
    }

    fn find(&mut self, bytes: &[u8]) -> Option<Cut> {
        let mut at = 0;
        while at < bytes.len() {
            match self.place {
                InField::Quoted => {
                    at += memchr(b'"', &bytes[at..])? + 1;
                    self.place = InField::Quote;
                }
                InField::Start | InField::Quote if bytes[at] == b'"' => {
                    at += 1;
                    self.place = InField::Quoted;
                }
                _ => {
                    self.place = InField::Bare;
                    at += memchr2(self.delimiter, b'\n', &bytes[at..])? + 1;
                    self.place = InField::Start;
                    if bytes[at - 1] == b'\n' {
                        return Some(Cut { end: at - 1, next: at });
                    }
                }
            }
        }
        None
    }
}

/// Place inside a text of one or more JSON arrays.
#[derive(Debug, Default)]
pub(super) struct Elements {
    place: Place,
    /// Brackets open inside the element.
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// Whether the element's last byte closed a bracket.
    closed: bool,
    /// The array stands inside a document of which nothing else is wanted.
    is_page: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before an array.
    #[default]
    Outside,
    Inside,
    /// In text that follows an array and is none.
    Beyond,
    /// In what follows the array inside its document.
    Rest,
}

impl Elements {
    /// Before the one array that is wanted of a document.
    pub(super) fn page() -> Self {
        Elements { is_page: true, ..Elements::default() }
    }

    fn find(&mut self, bytes: &[u8]) -> Option<Cut> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                at += self.string(&bytes[at..]);
                continue;
            }
            let byte = bytes[at];
            at += 1;
            let cut = match self.place {
                Place::Inside => self.element(byte),
                Place::Outside if byte == b'[' => {
                    self.place = Place::Inside;
                    true
                }
                Place::Outside if is_blank(byte) => false,
                Place::Rest => return Some(Cut { end: 0, next: bytes.len() }),
                Place::Outside | Place::Beyond => {
                    self.place = Place::Beyond;
                    return None;
                }
            };
            if cut {
                self.closed = false;
                return Some(Cut { end: at - 1, next: at });
            }
        }
        None
    }

    /// Whether an array is open.
    pub(super) fn is_inside(&self) -> bool {
        self.place == Place::Inside
    }

    /// Takes in one byte outside strings; true where it ends the element.
    fn element(&mut self, byte: u8) -> bool {
        match byte {
            b',' if self.depth == 0 => return true,
            b']' if self.depth == 0 => {
                self.place = if self.is_page { Place::Rest } else { Place::Outside };
                return true;
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b'"' => self.in_string = true,
            _ => {}
        }
        if !is_blank(byte) {
            self.closed = self.depth == 0 && byte == b'}';
        }
        false
    }

    /// Takes in bytes of a string up to its end or an escape; returns how many.
    fn string(&mut self, bytes: &[u8]) -> usize {
        if self.escaped {
            self.escaped = false;
            return 1;
        }
        let Some(at) = memchr2(b'"', b'\\', bytes) else {
            return bytes.len();
        };
        match bytes[at] {
            b'"' => self.in_string = false,
            _ => self.escaped = true,
        }
        at + 1
    }

    fn rest(&self) -> Rest {
        match self.place {
            Place::Outside | Place::Rest => Rest::Row,
            Place::Inside if self.closed => Rest::RowThenBroken(RejectReason::TruncatedJson, "the array is not closed"),
            Place::Inside => Rest::Broken(RejectReason::TruncatedJson, "the array ends within an element"),
            Place::Beyond => Rest::Broken(RejectReason::InvalidJson, "there is text after the end of the array"),
        }
    }
}

/// Place inside a text of JSON values that follow one another, with white space, commas or record separators between.
///
/// A value that is not closed must not swallow those behind it: a line end closes a string, since none may stand in one,
/// and a line that begins with `{` begins a value, unless what comes before it wants one.
#[derive(Debug, Default)]
pub(super) struct Values {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// In text that is no value, up to the end of its line.
    in_junk: bool,
    /// Whether the last byte was a line end.
    at_line_start: bool,
    /// The last byte that was not blank.
    last: u8,
}

impl Values {
    fn find(&mut self, bytes: &[u8]) -> Option<Cut> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string && !self.escaped {
                // A string goes on to the next byte that means something in it.
                let Some(step) = memchr3(b'"', b'\\', b'\n', &bytes[at..]) else { break };
                at += step;
            }
            let byte = bytes[at];
            at += 1;
            if let Some(cut) = self.take(byte, at) {
                return Some(cut);
            }
        }
        None
    }

    /// Takes in one byte, the last before `next`.
    fn take(&mut self, byte: u8, next: usize) -> Option<Cut> {
        let starts_line = std::mem::replace(&mut self.at_line_start, byte == b'\n');
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'"' => self.in_string = false,
                b'\\' => self.escaped = true,
                b'\n' => self.in_string = false,
                _ => {}
            }
            if byte != b'\n' {
                self.last = byte;
                return None;
            }
            self.escaped = false;
        }
        if self.in_junk {
            self.in_junk = byte != b'\n';
            return (!self.in_junk).then(|| self.between(next - 1, next));
        }
        if starts_line && byte == b'{' && self.depth > 0 && !matches!(self.last, b',' | b':' | b'[' | b'{') {
            // The byte behind the cut is looked at once more.
            return Some(self.between(next - 1, next - 1));
        }
        self.token(byte, next)
    }

    /// A byte outside strings and junk.
    fn token(&mut self, byte: u8, next: usize) -> Option<Cut> {
        if is_blank(byte) {
            return None;
        }
        self.last = byte;
        match byte {
            b',' | 0x1e if self.depth == 0 => return Some(Cut { end: next - 1, next }),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Some(self.between(next, next));
                }
            }
            b'"' if self.depth > 0 => self.in_string = true,
            _ if self.depth == 0 => self.in_junk = true,
            _ => {}
        }
        None
    }

    fn between(&mut self, end: usize, next: usize) -> Cut {
        *self = Values::default();
        Cut { end, next }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows and rest of a text that arrives in pieces of this size.
    fn rows(mut splitter: Splitter, text: &str, piece: usize) -> (Vec<String>, Rest) {
        let (mut found, mut row) = (Vec::new(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            let mut piece = piece;
            while let Some(cut) = splitter.find(piece) {
                row.extend_from_slice(&piece[..cut.end]);
                found.push(String::from_utf8_lossy(&std::mem::take(&mut row)).into_owned());
                piece = &piece[cut.next..];
            }
            row.extend_from_slice(piece);
        }
        found.push(String::from_utf8_lossy(&row).into_owned());
        (found, splitter.rest())
    }

    fn elements(text: &str) -> (Vec<String>, Rest) {
        rows(Splitter::Elements(Elements::default()), text, usize::MAX)
    }

    #[test]
    fn elements_end_at_commas_outside_strings_and_brackets() {
        let (found, rest) = elements(r#" [{"a":"]},\"{[", "b":[1,{}]} , "x,\\", 7]  "#);
        assert_eq!(found, [" ", r#"{"a":"]},\"{[", "b":[1,{}]} "#, r#" "x,\\""#, " 7", "  "]);
        assert_eq!(rest, Rest::Row);
    }

    #[test]
    fn the_rest_of_an_array_says_what_is_wrong() {
        use RejectReason::{InvalidJson, TruncatedJson};
        assert!(matches!(elements(r#"[{"a":1},{"b":"#).1, Rest::Broken(TruncatedJson, _)));
        assert!(matches!(elements(r#"[{"a":1},"#).1, Rest::Broken(TruncatedJson, _)));
        assert!(matches!(elements(r#"[{"a":1},{"b":"}"#).1, Rest::Broken(TruncatedJson, _)));
        assert!(matches!(elements(r#"[{"a":1},{"b":2} "#).1, Rest::RowThenBroken(TruncatedJson, _)));
        assert!(matches!(elements(r#"[{"a":1}] x"#).1, Rest::Broken(InvalidJson, _)));
        assert_eq!(elements("[1]\n[2]\n"), (["", "1", "\n", "2", "\n"].map(String::from).to_vec(), Rest::Row));
    }

    #[test]
    fn records_end_at_line_ends_outside_quotes() {
        let text = "a,\"b\n\"\"c\"\"\n\",d\n\"\",5\" pipe,x\n\"p\"q\"r,s\nlast";
        let (found, _) = rows(Splitter::Records(Field::new(b',')), text, usize::MAX);
        assert_eq!(found, ["a,\"b\n\"\"c\"\"\n\",d", "\"\",5\" pipe,x", "\"p\"q\"r,s", "last"]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in r#"[\[\]{},"\\a\n ]{0,60}"#, piece in 1usize..9) {
            let all = usize::MAX;
            prop_assert_eq!(
                rows(Splitter::Elements(Elements::default()), &text, piece),
                rows(Splitter::Elements(Elements::default()), &text, all)
            );
            prop_assert_eq!(
                rows(Splitter::Records(Field::new(b',')), &text, piece),
                rows(Splitter::Records(Field::new(b',')), &text, all)
            );
        }

        #[test]
        fn records_are_those_of_the_csv_crate(text in r#"[",a\n]{0,40}"#) {
            let (found, _) = rows(Splitter::Records(Field::new(b',')), &text, usize::MAX);
            let parse = |text: &str| -> Vec<Vec<String>> {
                let mut reader = ::csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .terminator(::csv::Terminator::Any(b'\n'))
                    .from_reader(text.as_bytes());
                reader.records().map(|r| r.unwrap().iter().map(String::from).collect()).collect()
            };
            let one_by_one: Vec<_> = found.iter().flat_map(|row| parse(row)).collect();
            prop_assert_eq!(one_by_one, parse(&text));
        }
    }
}
