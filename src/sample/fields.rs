//! Writes JSON objects and form text in a fixed order of keys, as providers send them.
//!
//! Not here: what any payload contains.

/// An object in the making.
#[derive(Clone)]
pub struct Fields {
    out: String,
    spelling: Spelling,
}

#[derive(Clone, Copy, PartialEq)]
enum Spelling {
    Json,
    SnakeJson,
    Form,
}

impl Fields {
    /// A JSON object whose keys stay as written.
    pub fn new() -> Self {
        Fields { out: String::from("{"), spelling: Spelling::Json }
    }

    /// A JSON object whose keys become snake_case, as some stores rename them.
    pub fn snake() -> Self {
        Fields { spelling: Spelling::SnakeJson, ..Fields::new() }
    }

    /// `application/x-www-form-urlencoded` text; nested values stand in it as JSON text.
    pub fn form() -> Self {
        Fields { out: String::new(), spelling: Spelling::Form }
    }

    /// Adds a string.
    pub fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        if self.spelling == Spelling::Form {
            self.out.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        } else {
            push_string(&mut self.out, value);
        }
        self
    }

    /// Adds a value that is JSON already.
    pub fn raw(mut self, key: &str, json: &str) -> Self {
        if self.spelling == Spelling::Form {
            return self.text(key, json);
        }
        self.key(key);
        self.out.push_str(json);
        self
    }

    /// Adds a string if there is one.
    pub fn optional(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// The finished text.
    pub fn end(mut self) -> String {
        if self.spelling != Spelling::Form {
            self.out.push('}');
        }
        self.out
    }

    fn key(&mut self, key: &str) {
        let (is_first, separator, equals) = match self.spelling {
            Spelling::Form => (self.out.is_empty(), '&', '='),
            _ => (self.out.len() == 1, ',', ':'),
        };
        if !is_first {
            self.out.push(separator);
        }
        match self.spelling {
            Spelling::Form => self.out.push_str(key),
            Spelling::Json => push_string(&mut self.out, key),
            Spelling::SnakeJson => push_string(&mut self.out, &snake_case(key)),
        }
        self.out.push(equals);
    }
}

/// An object of strings.
pub fn texts(pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(Fields::new(), |fields, (key, value)| fields.text(key, value)).end()
}

/// An array of values that are JSON already.
pub fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

/// A JSON string.
pub fn string(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    push_string(&mut out, value);
    out
}

fn push_string(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `SmileJobID` → `smile_job_id`, `KYCReceipt` → `kyc_receipt`.
fn snake_case(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let after_small = i > 0 && chars[i - 1].is_ascii_lowercase();
        let starts_word =
            i > 0 && chars[i - 1].is_ascii_uppercase() && chars.get(i + 1).is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (after_small || starts_word) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_strings_are_escaped() {
        let json = Fields::new().text("b", "say \"hi\"\n\\\u{1}é").raw("a", "[1]").optional("c", None).end();
        assert_eq!(json, "{\"b\":\"say \\\"hi\\\"\\n\\\\\\u0001é\",\"a\":[1]}");
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }

    #[test]
    fn forms_hold_nested_values_as_json_text() {
        let form = Fields::form().text("a", "x y&é").raw("b", "{\"c\":true}").end();
        assert_eq!(form, "a=x+y%26%C3%A9&b=%7B%22c%22%3Atrue%7D");
    }

    #[test]
    fn names_of_the_first_version_become_snake_case() {
        let names = ["SmileJobID", "KYCReceipt", "JSONVersion", "IDType", "DOB", "IsFinalResult", "signature"];
        let snake = ["smile_job_id", "kyc_receipt", "json_version", "id_type", "dob", "is_final_result", "signature"];
        assert_eq!(names.map(snake_case), snake);
    }
}
