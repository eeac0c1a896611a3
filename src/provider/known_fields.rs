//! Fields that no document names and nobody has seen: how a provider's change is noticed.
//!
//! Every decoder has lists of the names that its messages are known to have, and notes what else stands in an object. Only
//! names are looked at, never values. Not here: which of the names may be kept for good (`normalise` knows the payload's
//! personal strings).

use super::wire::{Object, compare_names};
use crate::privacy::is_field_name;

/// Unknown fields of one payload that are noted.
pub const MOST_UNKNOWN: usize = 50;

/// Stands for a name that is no code word or looks personal.
pub const WITHHELD: &str = "(withheld)";

/// What stores and queues usually add to the objects that they keep.
const OF_STORES: &[&str] =
    &["_class", "created_at", "deleted_at", "_id", "inserted_at", "received_at", "stored_at", "updated_at", "__v"];

/// Notes the fields of an object that none of the lists names, each once, under `prefix`.
pub fn note_unknown(unknown: &mut Vec<String>, object: &Object, prefix: &str, lists: &[&[&str]]) {
    for (key, _) in object.iter() {
        if !lists.iter().chain(&[OF_STORES]).any(|list| is_named(list, key)) {
            note(unknown, prefix, key);
        }
    }
}

/// Notes every field of an object of which nobody knows what it is.
pub fn note_all(unknown: &mut Vec<String>, object: &Object) {
    object.iter().for_each(|(key, _)| note(unknown, "", key));
}

fn note(unknown: &mut Vec<String>, prefix: &str, key: &str) {
    if unknown.len() >= MOST_UNKNOWN {
        return;
    }
    let name = if is_field_name(key) { format!("{prefix}{key}") } else { WITHHELD.to_owned() };
    if !unknown.contains(&name) {
        unknown.push(name);
    }
}

/// Whether a sorted list has a name; stores flatten `outer.inner` and `outer[inner]`.
fn is_named(list: &[&str], key: &str) -> bool {
    let has = |name: &str| list.binary_search_by(|known| compare_names(known, name)).is_ok();
    has(key) || key.split_once(['.', '[']).is_some_and(|(outer, _)| has(outer))
}

#[cfg(test)]
mod tests {
    use super::super::{advance_ai, jumio, smile_id};
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Ordering;

    fn unknown(json: &str, list: &[&str]) -> Vec<String> {
        let mut unknown = Vec::new();
        note_unknown(&mut unknown, &Object::parse(json).unwrap(), "", &[list]);
        unknown
    }

    #[test]
    fn every_list_is_sorted_so_that_it_can_be_searched() {
        let lists =
            [smile_id::known_fields::ALL, advance_ai::known_fields::ALL, jumio::known_fields::ALL, &[OF_STORES]];
        let lists = lists.concat();
        for pair in lists.iter().flat_map(|list| list.windows(2)) {
            assert_eq!(compare_names(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn names_are_compared_as_stores_change_them() {
        let json =
            r#"{"result-code":1,"ResultCode":1,"_id":1,"__v":0,"Actions.Names":1,"Actions[Names]":1,"ResultCodes":1}"#;
        assert_eq!(unknown(json, &["Actions", "ResultCode"]), ["ResultCodes"]);
    }

    #[test]
    fn an_unknown_name_is_noted_once_and_only_if_it_is_a_code_word() {
        let json = r#"{"b":1,"a":1,"b":2,"Zuri Okafor":1,"ada@example.com":1,"+234 801 234 5678":1,"$ref-1.x":1}"#;
        assert_eq!(unknown(json, &[]), ["b", "a", WITHHELD, "$ref-1.x"]);
    }

    #[test]
    fn no_more_are_noted_than_anybody_reads() {
        let fields: Vec<String> = (0..9_000).map(|n| format!("\"f{n}\":0")).collect();
        assert_eq!(unknown(&format!("{{{}}}", fields.join(",")), &[]).len(), MOST_UNKNOWN);
    }

    proptest! {
        #[test]
        fn whatever_the_names_are_only_code_words_are_noted_each_once(names in proptest::collection::vec("\\PC{0,12}|[a-z@_.0-9]{0,70}", 0..80)) {
            let fields: Vec<String> = names.iter().map(|name| format!("{}:0", serde_json::to_string(name).unwrap())).collect();
            let mut found = unknown(&format!("{{{}}}", fields.join(",")), &["abc"]);
            prop_assert!(found.len() <= MOST_UNKNOWN && found.iter().all(|name| name == WITHHELD || is_field_name(name)));
            found.sort();
            prop_assert!(found.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }
}
