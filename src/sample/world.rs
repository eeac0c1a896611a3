//! What all jobs of an archive share: chance, the clock, running numbers and photos.

use base64::Engine;

use super::Options;
use super::clock::Clock;
use super::event::Event;
use super::random::Random;

/// One way a job can go. `make` returns the job's payloads in the order of their sending.
pub struct Scenario {
    /// How often it happens among its provider's jobs.
    pub weight: u32,
    pub make: fn(&mut World) -> Vec<Event>,
}

/// The state of the generator.
pub struct World {
    pub random: Random,
    pub clock: Clock,
    /// Jobs started so far.
    pub jobs: u64,
    smile_jobs: [u64; 2],
    photo_bytes: usize,
    /// Base64 from which photos are cut; a photo is drawn by where it starts.
    photos: String,
}

impl World {
    /// The beginning of an archive.
    pub fn new(options: &Options) -> Self {
        let mut random = Random::new(options.seed);
        let bytes = if options.photo_bytes == 0 { Vec::new() } else { random.bytes(options.photo_bytes + 3 * 1024) };
        World {
            random,
            clock: Clock::new(options.days, options.seed),
            jobs: 0,
            smile_jobs: [1_204_000, 5_100],
            photo_bytes: options.photo_bytes,
            photos: base64::engine::general_purpose::STANDARD.encode(bytes),
        }
    }

    /// Starts a job at an instant of the period.
    pub fn start(&mut self) -> i64 {
        self.jobs += 1;
        self.clock.start(&mut self.random)
    }

    /// The next Smile ID job number; sandbox and production count apart.
    pub fn smile_job_id(&mut self, sandbox: bool) -> String {
        let counter = &mut self.smile_jobs[usize::from(sandbox)];
        *counter += 1;
        format!("{counter:010}")
    }

    /// The `Photo` of an ID lookup: base64 of the wanted length, or the words that stand for none.
    pub fn photo(&mut self) -> String {
        if self.photo_bytes == 0 {
            return String::from(self.random.pick(&["Not Available", "Not Available", "/9j/4AAQSkZJRgABAQ=="]));
        }
        // Multiples of four keep a cut of base64 valid.
        let start = self.random.below(1024) as usize * 4;
        let length = self.photo_bytes.div_ceil(4) * 4;
        self.photos[start..start + length].to_owned()
    }
}
