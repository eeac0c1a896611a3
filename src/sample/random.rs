//! A seeded source of numbers and the few draws that the generator needs.
//!
//! Not here: anything that depends on the machine or the clock; the same seed gives the same draws everywhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// The generator's only source of chance.
pub struct Random(ChaCha8Rng);

impl Random {
    /// A source whose draws depend on the seed alone.
    pub fn new(seed: u64) -> Self {
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from 0 to `n - 1`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high.abs_diff(low) + 1) as i64
    }

    /// True `permille` times in a thousand.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// One of the items, all alike.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    /// One of the items, each as often as its weight says.
    pub fn weighted<'a, T>(&mut self, items: &'a [(u32, T)]) -> &'a T {
        let total = items.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (weight, item) in items {
            if left < u64::from(*weight) {
                return item;
            }
            left -= u64::from(*weight);
        }
        &items[items.len() - 1].1
    }

    /// Characters of an alphabet.
    pub fn string(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(self.pick(alphabet))).collect()
    }

    /// Decimal digits.
    pub fn digits(&mut self, length: usize) -> String {
        self.string(b"0123456789", length)
    }

    /// Lower-case hexadecimal digits.
    pub fn hex(&mut self, length: usize) -> String {
        self.string(b"0123456789abcdef", length)
    }

    /// An identifier in the form of a UUID.
    pub fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    /// Random bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_every_draw() {
        let draw = |seed| (Random::new(seed).uuid(), Random::new(seed).between(-5, 5));
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7).0, draw(8).0);
    }

    #[test]
    fn draws_stay_in_range_and_follow_their_weights() {
        let mut random = Random::new(1);
        assert!((0..1000).all(|_| (-3..=3).contains(&random.between(-3, 3))));
        let heavy = (0..10_000).filter(|_| *random.weighted(&[(9, true), (1, false)])).count();
        assert!((8_800..9_200).contains(&heavy), "{heavy} of 10000");
        assert!(!random.weighted(&[(0, true), (1, false)]));
    }
}
