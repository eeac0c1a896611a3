//! A set of payload keys, compact: 16 bytes each, and little more while it grows.
//!
//! Keys are digests, so they are spread evenly and need no hashing. Most stand in one sorted list; new ones wait in a
//! small hash set and are merged into the list when they are many.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// New keys that wait before they are merged.
const WAITING: usize = 1 << 18;

/// Bits of a key that choose where in the list it is looked for.
const SLOT_BITS: u32 = 16;

/// A set of keys.
pub(crate) struct KeySet {
    sorted: Vec<u128>,
    /// Where in the list the keys of each slot begin; one more at its end.
    slots: Vec<usize>,
    waiting: HashSet<u128, BuildHasherDefault<Even>>,
    most_waiting: usize,
}

/// Takes a key as its own hash.
#[derive(Default)]
struct Even(u64);

impl Hasher for Even {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

impl KeySet {
    /// A set of these keys, in any order and as often as they like.
    pub(crate) fn of(mut keys: Vec<u128>) -> Self {
        keys.sort_unstable();
        keys.dedup();
        let mut set = KeySet { sorted: keys, slots: Vec::new(), waiting: HashSet::default(), most_waiting: WAITING };
        set.index();
        set
    }

    fn index(&mut self) {
        self.slots = vec![0; (1 << SLOT_BITS) + 1];
        for key in &self.sorted {
            self.slots[slot(*key) + 1] += 1;
        }
        for at in 1..self.slots.len() {
            self.slots[at] += self.slots[at - 1];
        }
    }

    /// Adds a key; false where it was there.
    pub(crate) fn insert(&mut self, key: u128) -> bool {
        if self.contains(key) {
            return false;
        }
        self.waiting.insert(key);
        if self.waiting.len() >= self.most_waiting {
            self.merge();
        }
        true
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.sorted.len() + self.waiting.len()
    }

    /// Whether a key is there.
    pub(crate) fn contains(&self, key: u128) -> bool {
        let slot = slot(key);
        self.sorted[self.slots[slot]..self.slots[slot + 1]].binary_search(&key).is_ok() || self.waiting.contains(&key)
    }

    /// Merges what waits into the list, from its end, in place.
    fn merge(&mut self) {
        let mut new: Vec<u128> = self.waiting.drain().collect();
        new.sort_unstable();
        let mut old = self.sorted.len();
        self.sorted.reserve_exact(new.len());
        self.sorted.resize(old + new.len(), 0);
        for place in (0..self.sorted.len()).rev() {
            let Some(last) = new.last().copied() else { break };
            if old > 0 && self.sorted[old - 1] > last {
                old -= 1;
                self.sorted[place] = self.sorted[old];
            } else {
                self.sorted[place] = last;
                new.pop();
            }
        }
        self.index();
    }
}

fn slot(key: u128) -> usize {
    (key >> (128 - SLOT_BITS)) as usize
}

/// The first half of a payload key: 128 bits tell payloads apart and fit twice as many in memory.
pub(crate) fn short_key(hex: &str) -> u128 {
    hex.bytes().take(32).fold(0, |key, digit| key << 4 | u128::from((digit as char).to_digit(16).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_the_first_half_of_its_digits() {
        assert_eq!(
            short_key(&format!("0123456789abcdef0123456789ABCDEF{}", "f".repeat(32))),
            0x0123_4567_89ab_cdef_0123_4567_89ab_cdef
        );
        assert_eq!(short_key(""), 0);
    }

    proptest! {
        #[test]
        fn it_is_a_set(
            (known, inserted) in (1u32..129).prop_flat_map(|bits| {
                let key = any::<u128>().prop_map(move |key| key >> (128 - bits));
                (prop::collection::vec(key.clone(), 0..60), prop::collection::vec(key, 0..200))
            }),
            most_waiting in 1usize..20,
        ) {
            let mut expected: HashSet<u128> = known.iter().copied().collect();
            let mut set = KeySet { most_waiting, ..KeySet::of(known) };
            for key in inserted {
                prop_assert_eq!(set.insert(key), expected.insert(key));
                prop_assert!(!set.insert(key));
            }
            prop_assert!(set.sorted.is_sorted() && set.sorted.len() + set.waiting.len() == expected.len());
        }
    }
}
