//! JSON and form text as stores keep it: shallow, borrowed, tolerant.
//!
//! An [`Object`] is one level of key–value pairs whose values are still source text, so that a photo is stepped over
//! once and never copied, and a field that is an object in one payload and a string, an array or `[]` in the next needs
//! no type of its own. Names are compared without case, `_` and `-`, so that `ResultCode`, `result_code` and `resultCode`
//! are one name.
//!
//! Not here: what any field means.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::nested;

/// Fields of one object, or elements of one array, above which it is refused: no provider sends as many, and each costs
/// memory.
pub const MOST_FIELDS: usize = 100_000;
/// How the refusal reads.
pub const TOO_MANY: &str = "more than 100000 fields at one level";

/// One value: JSON source text, or the plain text of a form field.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// JSON source text without surrounding white space.
    Json(Cow<'a, str>),
    /// Text that is not JSON by itself: a form field.
    Text(Cow<'a, str>),
}

/// The sort of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Null,
    Bool,
    Number,
    Text,
    Array,
    Object,
}

impl<'a> Value<'a> {
    /// The sort of the value as written (a form field is `Text` whatever it holds).
    pub fn sort(&self) -> Sort {
        match self {
            Value::Text(_) => Sort::Text,
            Value::Json(json) => match json.as_bytes().first() {
                Some(b'n') | None => Sort::Null,
                Some(b't' | b'f') => Sort::Bool,
                Some(b'"') => Sort::Text,
                Some(b'[') => Sort::Array,
                Some(b'{') => Sort::Object,
                Some(_) => Sort::Number,
            },
        }
    }

    /// The value as text: a string decoded, a number or boolean as written; `None` for null, arrays and objects.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Json(json) => match self.sort() {
                Sort::Text => decode_string(json),
                Sort::Number | Sort::Bool => Some(Cow::Borrowed(json)),
                Sort::Object => typed(json, &SCALAR_TYPES)?.text().map(|text| Cow::Owned(text.into_owned())),
                _ => None,
            },
        }
    }

    /// `true`/`false`, also as the strings, `1` and `0`, `t` and `f` that stores make of them; nothing else.
    pub fn bool(&self) -> Option<bool> {
        let text = self.text()?;
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "t" => Some(true),
            "false" | "0" | "f" => Some(false),
            _ => None,
        }
    }

    /// A finite number, also as a string: `"97.000000"`, `100`, `99.99`.
    pub fn number(&self) -> Option<f64> {
        self.text()?.trim().parse().ok().filter(|n: &f64| n.is_finite())
    }

    /// The value as an object; also a string or form field that holds one (double encoding), as JSON or as Python prints
    /// it. `[]` is an empty object, as PHP writes it.
    pub fn object(&self) -> Option<Object<'_>> {
        match self.sort() {
            Sort::Object => {
                let inner = typed(self.source(), &["M", "S"]).and_then(|inner| inner.object().map(Object::into_owned));
                inner.or_else(|| Object::parse(self.source()).ok())
            }
            Sort::Array if is_empty_array(self.source()) => Some(Object::default()),
            Sort::Text => {
                let text = self.text()?;
                let inner = text.trim();
                if is_empty_array(inner) {
                    return Some(Object::default());
                }
                match inner.as_bytes().first() {
                    Some(b'{') => Object::parse(inner).ok().map(Object::into_owned).or_else(|| nested::python(inner)),
                    Some(b'"') => Object::parse(&decode_string(inner)?).ok().map(Object::into_owned),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The elements of an array, also one inside a string, and one whose positions became names, as PHP and flattened
    /// stores write it; any other object counts as a list of one.
    pub fn list(&self) -> Vec<Value<'_>> {
        match self.sort() {
            Sort::Array => parse_array(self.source()).unwrap_or_default(),
            Sort::Object => match typed(self.source(), &["L"]) {
                Some(inner) => inner.list().into_iter().map(Value::into_owned).collect(),
                None => numbered(self.source()).unwrap_or_else(|| vec![self.clone()]),
            },
            Sort::Text => {
                let text = self.text().unwrap_or_default();
                let inner = text.trim();
                match inner.as_bytes().first() {
                    Some(b'[' | b'(') => array_in_text(inner),
                    Some(b'{') if Object::parse(inner).is_ok() => vec![Value::Json(Cow::Owned(inner.to_owned()))],
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// The text as written in the payload.
    pub fn source(&self) -> &str {
        match self {
            Value::Json(s) | Value::Text(s) => s,
        }
    }

    /// The same value without a borrow.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Json(s) => Value::Json(Cow::Owned(s.into_owned())),
            Value::Text(s) => Value::Text(Cow::Owned(s.into_owned())),
        }
    }
}

/// Names under which MongoDB's extended JSON and DynamoDB's typed JSON put a single value.
const SCALAR_TYPES: [&str; 9] =
    ["$date", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$oid", "S", "N", "BOOL"];

/// The value inside an object of exactly one field with one of these names.
fn typed<'a>(json: &'a str, names: &[&str]) -> Option<Value<'a>> {
    let first_key = json[1..].trim_start();
    if !names.iter().any(|name| first_key.strip_prefix('"').is_some_and(|key| key.starts_with(name))) {
        return None;
    }
    let mut object = Object::parse(json).ok()?;
    match object.fields.pop() {
        Some((key, value)) if object.fields.is_empty() && names.contains(&key.as_ref()) => Some(value),
        _ => None,
    }
}

/// The elements of an array that was written as an object: `{"0": …, "2": …}`.
fn numbered(json: &str) -> Option<Vec<Value<'_>>> {
    let first_key = json.strip_prefix('{')?.trim_start().strip_prefix('"')?;
    if !first_key.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let fields = Object::parse(json).ok()?.fields;
    let mut elements: Vec<(u32, Value)> =
        fields.into_iter().map(|(key, value)| Some((key.parse().ok()?, value))).collect::<Option<_>>()?;
    elements.sort_by_key(|(position, _)| *position);
    Some(elements.into_iter().map(|(_, value)| value).collect())
}

/// The elements of an array that is written inside a string, as JSON or as Python prints it.
fn array_in_text(text: &str) -> Vec<Value<'static>> {
    let owned = |json: &str| {
        let elements = parse_array(json).ok()?;
        Some(elements.into_iter().map(Value::into_owned).collect::<Vec<_>>())
    };
    owned(text).or_else(|| owned(&nested::python_to_json(text)?)).unwrap_or_default()
}

fn is_empty_array(json: &str) -> bool {
    json.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|inner| inner.trim().is_empty())
}

fn decode_string(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(json).ok().map(Cow::Owned)
}

/// One level of key–value pairs.
#[derive(Clone, Debug, Default)]
pub struct Object<'a> {
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Object<'a> {
    /// Reads one JSON object; its values stay source text.
    ///
    /// # Errors
    /// When the text is not exactly one well-formed JSON object.
    pub fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        let mut de = serde_json::Deserializer::from_str(json);
        let object = de.deserialize_map(ObjectVisitor)?;
        de.end()?;
        Ok(object)
    }

    /// Reads `application/x-www-form-urlencoded` text. Any text is well-formed; the caller judges by the names.
    pub fn parse_form(form: &'a [u8]) -> Self {
        let fields = form_urlencoded::parse(form).map(|(k, v)| (k, Value::Text(v))).collect();
        Object { fields }
    }

    /// The first value under any of these names, in the order of the names; null counts as absent. Of a duplicate key
    /// the last counts, as in the parsers that integrators use.
    pub fn get(&self, names: &[&str]) -> Option<&Value<'a>> {
        names.iter().find_map(|name| {
            self.fields
                .iter()
                .rev()
                .find(|(key, value)| same_name(key, name) && value.sort() != Sort::Null)
                .map(|(_, v)| v)
        })
    }

    /// [`get`](Self::get), as non-empty text.
    pub fn text(&self, names: &[&str]) -> Option<Cow<'_, str>> {
        self.get(names).and_then(Value::text).filter(|t| !t.trim().is_empty())
    }

    /// [`get`](Self::get), as an object.
    pub fn object(&self, names: &[&str]) -> Option<Object<'_>> {
        self.get(names).and_then(Value::object)
    }

    /// Whether a key of this name is there, even with null.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(key, _)| same_name(key, name))
    }

    /// Whether a key is there exactly as written.
    pub fn has_exactly(&self, name: &str) -> bool {
        self.fields.iter().any(|(key, _)| key == name)
    }

    /// Keys and values in the order of the payload.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.fields.iter().map(|(k, v)| (k.as_ref(), v))
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Keys that stand more than once.
    pub fn duplicate_keys(&self) -> usize {
        let mut names: Vec<&str> = self.fields.iter().map(|(k, _)| k.as_ref()).collect();
        names.sort_unstable();
        names.windows(2).filter(|pair| pair[0] == pair[1]).count()
    }

    /// The same object without a borrow.
    pub fn into_owned(self) -> Object<'static> {
        let fields = self.fields.into_iter().map(|(k, v)| (Cow::Owned(k.into_owned()), v.into_owned())).collect();
        Object { fields }
    }
}

/// Whether two names are the same but for case, `_` and `-`.
pub fn same_name(a: &str, b: &str) -> bool {
    a == b || folded(a).eq(folded(b))
}

fn folded(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().filter(|c| *c != b'_' && *c != b'-').map(|c| c.to_ascii_lowercase())
}

/// The order of names in which those that are the same stand together.
pub fn compare_names(a: &str, b: &str) -> Ordering {
    folded(a).cmp(folded(b))
}

/// The elements of a JSON array as values of source text.
///
/// # Errors
/// When the text is not exactly one well-formed JSON array.
pub fn parse_array(json: &str) -> Result<Vec<Value<'_>>, serde_json::Error> {
    let mut de = serde_json::Deserializer::from_str(json);
    let values = de.deserialize_seq(ArrayVisitor)?;
    de.end()?;
    Ok(values)
}

/// Checks that a text is exactly one well-formed JSON value, at any depth, without building it.
///
/// # Errors
/// Where it is not.
pub fn check_json(json: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(json).map(|_| ())
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut fields = Vec::with_capacity(16);
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let raw: &'de RawValue = map.next_value()?;
            if fields.len() == MOST_FIELDS {
                return Err(serde::de::Error::custom(TOO_MANY));
            }
            fields.push((key.0, Value::Json(Cow::Borrowed(raw.get()))));
        }
        Ok(Object { fields })
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

struct ArrayVisitor;

impl<'de> Visitor<'de> for ArrayVisitor {
    type Value = Vec<Value<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            if values.len() == MOST_FIELDS {
                return Err(serde::de::Error::custom(TOO_MANY));
            }
            values.push(Value::Json(Cow::Borrowed(raw.get())));
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(json: &str) -> Object<'_> {
        Object::parse(json).expect("well-formed")
    }

    #[test]
    fn names_are_one_whatever_their_spelling_and_the_last_of_a_duplicate_counts() {
        let parsed = object(r#"{"result_code":"1","ResultCode":"2","other":null}"#);
        assert_eq!(parsed.text(&["resultCode"]).as_deref(), Some("2"));
        assert_eq!(parsed.duplicate_keys(), 0);
        assert!(parsed.get(&["other"]).is_none() && parsed.has("other"));
    }

    #[test]
    fn a_value_reads_through_the_ways_in_which_stores_encode_it() {
        let parsed = object(
            r#"{"a":{"$date":{"$numberLong":"1570698930193"}},"b":{"N":"7"},"c":{"M":{"d":{"S":"x"}}},"e":"{\"f\":[1]}",
                "k":{"S":"{\"l\":2}"},
                "g":[],"h":{"L":[{"S":"y"}]},"i":1,"j":{"S":"x","T":1}}"#,
        );
        assert_eq!(parsed.text(&["a"]).as_deref(), Some("1570698930193"));
        assert_eq!(parsed.text(&["b"]).as_deref(), Some("7"));
        assert_eq!(parsed.object(&["c"]).unwrap().text(&["d"]).as_deref(), Some("x"));
        assert_eq!(parsed.object(&["e"]).unwrap().get(&["f"]).unwrap().list().len(), 1);
        assert!(parsed.object(&["g"]).unwrap().is_empty());
        assert_eq!(parsed.object(&["k"]).unwrap().text(&["l"]).as_deref(), Some("2"));
        assert_eq!(parsed.get(&["h"]).unwrap().list()[0].text().as_deref(), Some("y"));
        assert_eq!(parsed.get(&["i"]).unwrap().bool(), Some(true));
        assert!(parsed.text(&["j"]).is_none());
    }

    #[test]
    fn an_array_whose_positions_became_names_is_a_list() {
        let parsed = object(r#"{"a":{"2":"z","0":"x","10":"last"},"b":{"0":1,"c":2},"d":{},"e":"['x', 'y']"}"#);
        let texts = |name: &str| -> Vec<String> {
            parsed.get(&[name]).unwrap().list().iter().filter_map(|v| v.text().map(Cow::into_owned)).collect()
        };
        assert_eq!(texts("a"), ["x", "z", "last"]);
        assert_eq!(parsed.get(&["b"]).unwrap().list().len(), 1);
        assert_eq!(parsed.get(&["d"]).unwrap().list().len(), 1);
        assert_eq!(texts("e"), ["x", "y"]);
    }

    #[test]
    fn a_boolean_is_read_in_every_spelling_that_stores_give_it() {
        let parsed = object(r#"{"a":"true","b":true,"c":"TRUE ","d":1,"e":"1","f":"t","g":{"BOOL":true}}"#);
        assert!(parsed.iter().all(|(_, value)| value.bool() == Some(true)));
        let parsed = object(r#"{"a":"false","b":false,"c":"False","d":0,"e":"0","f":"f"}"#);
        assert!(parsed.iter().all(|(_, value)| value.bool() == Some(false)));
        let parsed = object(r#"{"a":"no","b":"","c":2,"d":null,"e":[],"f":"Passed"}"#);
        assert!(parsed.iter().all(|(_, value)| value.bool().is_none()));
    }

    proptest! {
        #[test]
        fn reading_never_panics(json in ".{0,200}") {
            if let Ok(object) = Object::parse(&json) {
                for (_, value) in object.iter() {
                    let _ = (value.text(), value.bool(), value.number(), value.object().is_some(), value.list().len());
                }
            }
        }
    }
}
