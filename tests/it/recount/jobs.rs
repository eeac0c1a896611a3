//! Which observations speak of the same job: partner and environment over a job, links by the company's reference,
//! product over a job (DESIGN 4, `job_key` and Product).

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use kycmart::record::{Environment, Observation, Product, Provider};

use super::facts::{Found, Payload};
use super::meaning::{Meaning, Meanings};

/// Whether an observation belongs to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Job(usize),
    Ambiguous,
    Unattributed,
}

/// One observation and what was found out about it.
pub struct Seen<'a> {
    pub stated: &'a Observation,
    pub place: &'a Found,
    /// When: own time, else the payload's, else the earliest delivery's. For a history entry an upper bound.
    pub at: Option<i64>,
    pub partner: Option<&'a str>,
    pub environment: Option<Environment>,
    pub product: Option<Product>,
    pub standing: Standing,
    pub meaning: Meaning,
}

impl Seen<'_> {
    /// Dated, and no history entry.
    pub fn own_time(&self) -> Option<i64> {
        self.at.filter(|_| !self.stated.is_history)
    }
}

/// One job at one provider.
#[derive(Default)]
pub struct Job {
    /// Indices into [`Attributed::seen`].
    pub members: Vec<usize>,
    pub environment: Option<Environment>,
    /// The first in the alphabet of what its observations state.
    pub product: Option<Product>,
}

/// All observations, and the jobs they belong to.
pub struct Attributed<'a> {
    pub seen: Vec<Seen<'a>>,
    pub jobs: Vec<Job>,
}

type JobKey<'a> = (Provider, Option<&'a str>, Option<Environment>, &'a str);

/// Sorts every observation to its job.
pub fn attribute(payloads: &[Payload]) -> Attributed<'_> {
    let mut seen: Vec<Seen> = payloads.iter().flat_map(unsorted).collect();
    fill_over_references(&mut seen);
    let mut keys: HashMap<JobKey, usize> = HashMap::new();
    let mut jobs: Vec<Job> = Vec::new();
    for (index, one) in seen.iter_mut().enumerate() {
        let Some(reference) = one.stated.provider_job_id.as_deref() else { continue };
        let key = (one.stated.provider, one.partner, one.environment, reference);
        let job = *keys.entry(key).or_insert_with(|| {
            jobs.push(Job { environment: one.environment, ..Job::default() });
            jobs.len() - 1
        });
        jobs[job].members.push(index);
        one.standing = Standing::Job(job);
    }
    link(&mut seen, &mut jobs, &keys);
    for job in &mut jobs {
        fill_product(job, &mut seen);
        fill_environment(job, &mut seen);
    }
    let mut meanings = Meanings::default();
    for one in &mut seen {
        one.meaning = meanings.of(one.stated, one.product);
    }
    Attributed { seen, jobs }
}

fn unsorted(payload: &Payload) -> impl Iterator<Item = Seen<'_>> {
    payload.observations.iter().map(|stated| Seen {
        stated,
        place: &payload.place,
        at: stated.event_time_us.or(payload.received),
        partner: stated.partner.as_deref(),
        environment: stated.environment,
        product: stated.product,
        standing: Standing::Unattributed,
        meaning: Meaning { outcome: "unknown", half: "whole", is_human: false, signal: None, entry: None },
    })
}

/// A partner that is the only one known for its reference holds for all of it; then likewise the environment.
fn fill_over_references(seen: &mut [Seen]) {
    let mut partners = Only::default();
    for one in seen.iter() {
        if let (Some(reference), Some(partner)) = (one.stated.provider_job_id.as_deref(), one.partner) {
            partners.note((one.stated.provider, reference), partner);
        }
    }
    for one in seen.iter_mut().filter(|one| one.partner.is_none()) {
        let reference = one.stated.provider_job_id.as_deref();
        one.partner = reference.and_then(|reference| partners.get(&(one.stated.provider, reference)));
    }
    let mut environments = Only::default();
    for one in seen.iter() {
        if let (Some(reference), Some(environment)) = (one.stated.provider_job_id.as_deref(), one.environment) {
            environments.note((one.stated.provider, reference, one.partner), environment);
        }
    }
    for one in seen.iter_mut().filter(|one| one.environment.is_none()) {
        let reference = one.stated.provider_job_id.as_deref();
        one.environment =
            reference.and_then(|reference| environments.get(&(one.stated.provider, reference, one.partner)));
    }
}

/// For each key the one value that was noted, if there was no other.
struct Only<K, V>(HashMap<K, Option<V>>);

impl<K, V> Default for Only<K, V> {
    fn default() -> Self {
        Only(HashMap::new())
    }
}

impl<K: Eq + Hash, V: Copy + PartialEq> Only<K, V> {
    fn note(&mut self, key: K, value: V) {
        let known = self.0.entry(key).or_insert(Some(value));
        if *known != Some(value) {
            *known = None;
        }
    }

    fn get(&self, key: &K) -> Option<V> {
        self.0.get(key).copied().flatten()
    }
}

/// Sorts what states only the company's reference to the one job that states the same.
fn link<'a>(seen: &mut [Seen<'a>], jobs: &mut [Job], keys: &HashMap<JobKey<'a>, usize>) {
    let mut claims: HashMap<(Provider, &str), BTreeSet<usize>> = HashMap::new();
    for one in seen.iter() {
        if let (Standing::Job(job), Some(own)) = (one.standing, one.stated.partner_job_id.as_deref()) {
            claims.entry((one.stated.provider, own)).or_default().insert(job);
        }
    }
    let key_of: HashMap<usize, &JobKey> = keys.iter().map(|(key, job)| (*job, key)).collect();
    for (index, one) in seen.iter_mut().enumerate() {
        let (None, Some(own)) = (&one.stated.provider_job_id, one.stated.partner_job_id.as_deref()) else { continue };
        let claimants = claims.get(&(one.stated.provider, own)).into_iter().flatten().copied();
        let agrees = |job: &usize| {
            let (_, partner, environment, _) = *key_of[job];
            compatible(one.partner, partner) && compatible(one.environment, environment)
        };
        let claimants: Vec<usize> = claimants.filter(agrees).collect();
        one.standing = match claimants[..] {
            [job] => {
                jobs[job].members.push(index);
                Standing::Job(job)
            }
            _ => Standing::Ambiguous,
        };
    }
}

fn compatible<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn fill_product(job: &mut Job, seen: &mut [Seen]) {
    let stated = job.members.iter().filter_map(|&member| seen[member].stated.product);
    job.product = stated.min_by_key(|product| product.word());
    for &member in &job.members {
        let one = &mut seen[member];
        one.product = one.product.or(job.product);
    }
}

/// The environment holds for all of a job: where its own observations name none, what the linked ones say of it.
fn fill_environment(job: &mut Job, seen: &mut [Seen]) {
    let mut stated = Only::default();
    for &member in &job.members {
        if let Some(environment) = seen[member].environment {
            stated.note((), environment);
        }
    }
    job.environment = job.environment.or(stated.get(&()));
    for &member in &job.members {
        seen[member].environment = job.environment;
    }
}
