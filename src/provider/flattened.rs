//! Objects that a store flattened into names: `outer.inner`, as tables made of JSON have them, or `outer[inner]`, as forms
//! of PHP and Rails have them.
//!
//! Not here: names joined by `_`, which the providers' own names hold too.

use std::collections::BTreeMap;

use super::wire::{Object, Value};

/// Parts of one name; providers nest less deep. What is left over belongs to the last.
const MOST_PARTS: usize = 8;

enum Node {
    Leaf(String),
    Branch(BTreeMap<String, Node>),
}

/// The object before it was flattened, as JSON; `None` where no name is of such a form.
pub fn nest(object: &Object) -> Option<String> {
    let is_flattened = |key: &str| key.find(['.', '[']).is_some_and(|at| at > 0);
    if !object.iter().any(|(key, _)| is_flattened(key)) {
        return None;
    }
    let mut root = BTreeMap::new();
    for (key, value) in object.iter() {
        let parts = key.splitn(MOST_PARTS, ['.', '[']).map(|part| part.trim_end_matches(']'));
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let json = match value {
            Value::Json(json) => json.clone().into_owned(),
            Value::Text(text) => quoted(text),
        };
        insert(&mut root, &parts, json);
    }
    let mut json = String::new();
    print(&root, &mut json);
    Some(json)
}

/// Where a name stands both for a value and for its parts, the parts count.
fn insert(branch: &mut BTreeMap<String, Node>, parts: &[&str], json: String) {
    let Some((name, rest)) = parts.split_first() else { return };
    let node = branch.entry((*name).to_owned()).or_insert_with(|| Node::Leaf("null".to_owned()));
    match node {
        Node::Branch(_) if rest.is_empty() => {}
        Node::Branch(inner) => insert(inner, rest, json),
        Node::Leaf(_) if rest.is_empty() => *node = Node::Leaf(json),
        Node::Leaf(_) => {
            let mut inner = BTreeMap::new();
            insert(&mut inner, rest, json);
            *node = Node::Branch(inner);
        }
    }
}

fn print(branch: &BTreeMap<String, Node>, json: &mut String) {
    json.push('{');
    for (number, (name, node)) in branch.iter().enumerate() {
        if number > 0 {
            json.push(',');
        }
        json.push_str(&quoted(name));
        json.push(':');
        match node {
            Node::Leaf(value) => json.push_str(value),
            Node::Branch(inner) => print(inner, json),
        }
    }
    json.push('}');
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nested(json: &str) -> Option<String> {
        nest(&Object::parse(json).unwrap())
    }

    #[test]
    fn names_with_dots_and_brackets_become_objects_again() {
        let json = r#"{"a":1,"b.c":"x","b.d.e":true,"f[g][h]":[1],"i[]":2}"#;
        assert_eq!(nested(json).unwrap(), r#"{"a":1,"b":{"c":"x","d":{"e":true}},"f":{"g":{"h":[1]}},"i":2}"#);
        let form = Object::parse_form(b"a=1&b%5Bc%5D=%22");
        assert_eq!(nest(&form).unwrap(), r#"{"a":"1","b":{"c":"\""}}"#);
    }

    #[test]
    fn an_object_that_nobody_flattened_is_left_alone() {
        for json in [r#"{"a":{"b.c":1}}"#, r#"{".a":1}"#, "{}"] {
            assert_eq!(nested(json), None, "{json}");
        }
    }

    #[test]
    fn parts_count_before_a_value_of_the_same_name() {
        for json in [r#"{"a":null,"a.b":1}"#, r#"{"a.b":1,"a":"whole"}"#] {
            assert_eq!(nested(json).unwrap(), r#"{"a":{"b":1}}"#, "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_names_give_well_formed_json(names in prop::collection::vec("[ab.\\[\\]\"]{0,12}", 0..8)) {
            let fields: Vec<String> = names.iter().map(|name| format!("{}:1", quoted(name))).collect();
            if let Some(json) = nested(&format!("{{{}}}", fields.join(","))) {
                prop_assert!(Object::parse(&json).is_ok(), "{json}");
            }
        }
    }
}
