//! The fuzz targets without a fuzzer: every committed seed, and some thousand mutations of them that are the same in every run.
//!
//! Not here: the targets (`fuzz/targets.rs`) and searching with them (`make fuzz`).

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::{Value, json};
use targets::{TARGETS, run};

/// Mutations of each target's seeds.
const MUTATIONS: usize = 3_000;
/// Bytes to which a mutation may grow.
const LONGEST: usize = 6_000;
/// Bytes of seeds in all.
const MOST_BYTES: u64 = 100 << 10;

/// Parts that mean something to a parser.
const TOKENS: [&[u8]; 32] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"&",
    b"=",
    b";",
    b"%",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\"\"",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"0.5",
    b"\\ud800",
    b"\\u0000",
    b"2026-13-45T25:61:61Z",
    b"\"body\":",
    b"\"result\":",
    b"\"\"\"",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder().join("seeds").join(target)).expect("a folder of seeds");
    let paths: BTreeSet<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect()
}

/// Runs a target; where it fails, says on which bytes.
fn check(target: &str, data: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| run(target, data))).is_err() {
        panic!("{target} fails on these {} bytes: b\"{}\"", data.len(), data.escape_ascii());
    }
}

fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    usize::try_from(random.next_u64() % end.max(1) as u64).unwrap_or_default()
}

/// Some bytes of a text, up to 64.
fn piece<'a>(random: &mut ChaCha8Rng, data: &'a [u8]) -> &'a [u8] {
    let start = below(random, data.len());
    let length = below(random, 64).min(data.len() - start);
    &data[start..start + length]
}

/// Changes a text in one place.
fn change(random: &mut ChaCha8Rng, data: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = below(random, data.len() + 1);
    let end = (at + 1 + below(random, 32)).min(data.len());
    let insert = match below(random, 8) {
        0 => Vec::new(),
        1 => vec![u8::try_from(random.next_u32() & 0xff).unwrap_or_default()],
        2 => piece(random, data).to_vec(),
        3 => {
            let other = below(random, others.len());
            piece(random, &others[other]).to_vec()
        }
        4 => {
            data.truncate(at.max(1));
            return;
        }
        _ => TOKENS[below(random, TOKENS.len())].to_vec(),
    };
    let end = if below(random, 2) == 0 { at } else { end };
    data.splice(at..end.max(at), insert);
    data.truncate(LONGEST);
}

/// Puts a part of another text, or a bare value, into a place of a JSON text; `None` where it is no JSON.
fn reshape(random: &mut ChaCha8Rng, data: &[u8], others: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(data).ok()?;
    let bare =
        [json!(null), json!(""), json!([]), json!({}), json!("NaN"), json!(-1e300), json!("{\"a\":[1]}"), json!(true)];
    let part = match serde_json::from_slice::<Value>(&others[below(random, others.len())]) {
        Ok(mut other) if below(random, 2) == 0 => {
            let number = below(random, places(&other));
            swap(&mut other, &mut { number }, &mut Some(Value::Null))
        }
        _ => Some(bare[below(random, bare.len())].clone()),
    };
    let number = below(random, places(&value));
    swap(&mut value, &mut { number }, &mut { part });
    Some(value.to_string().into_bytes())
}

/// Values in a value, itself included.
fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(places).sum::<usize>(),
        Value::Object(fields) => fields.values().map(places).sum(),
        _ => 0,
    }
}

/// Puts a value into the place of this number, depth first; returns what was there.
fn swap(value: &mut Value, number: &mut usize, with: &mut Option<Value>) -> Option<Value> {
    if *number == 0 {
        return with.take().map(|with| std::mem::replace(value, with));
    }
    *number -= 1;
    match value {
        Value::Array(values) => values.iter_mut().find_map(|value| swap(value, number, with)),
        Value::Object(fields) => fields.values_mut().find_map(|value| swap(value, number, with)),
        _ => None,
    }
}

/// Runs a target on its seeds and on mutations of them.
fn smoke(target: &str) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{target} has no seeds");
    for seed in &seeds {
        check(target, seed);
    }
    let mut random = ChaCha8Rng::seed_from_u64(blake3::hash(target.as_bytes()).as_bytes()[0].into());
    for number in 0..MUTATIONS {
        let mut data = seeds[number % seeds.len()].clone();
        for _ in 0..below(&mut random, 4) {
            data = reshape(&mut random, &data, &seeds).unwrap_or(data);
        }
        data.truncate(LONGEST);
        check(target, &data);
        for _ in 0..=below(&mut random, 6) {
            change(&mut random, &mut data, &seeds);
        }
        check(target, &data);
    }
}

#[test]
fn the_decoders_hold_on_mutated_payloads() {
    TARGETS.iter().filter(|(name, _)| name.starts_with("decode_")).for_each(|(name, _)| smoke(name));
}

#[test]
fn the_containers_hold_on_mutated_files() {
    TARGETS.iter().filter(|(name, _)| !name.starts_with("decode_")).for_each(|(name, _)| smoke(name));
}

#[test]
fn every_target_has_its_program_and_seeds_and_they_are_small() {
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).expect("fuzz/Cargo.toml");
    let mut bytes = 0;
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml does not name {name}");
        let program = std::fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).expect("its program");
        assert!(program.contains(&format!("targets::run(\"{name}\"")), "{name}.rs runs another target");
        bytes += seeds(name).iter().map(|seed| seed.len() as u64).sum::<u64>();
    }
    assert_eq!(std::fs::read_dir(folder().join("seeds")).expect("seeds").count(), TARGETS.len(), "seeds of no target");
    assert!(bytes <= MOST_BYTES, "{bytes} bytes of seeds");
}
