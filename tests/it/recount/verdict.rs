//! From the observations of a job to what is counted of it: outcome, day, dimensions, lookup, receipt (DESIGN 4).

use std::cmp::Reverse;

use kycmart::record::{Channel, Environment, Micros, Observation, Product, Provider};

use super::jobs::{Attributed, Job, Seen};

/// One job, judged.
pub struct Verification<'a> {
    pub provider: Provider,
    pub environment: Option<Environment>,
    pub partner: Option<&'a str>,
    /// The provider's own reference.
    pub reference: Option<&'a str>,
    pub user: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub product: Option<Product>,
    pub country: Option<&'a str>,
    pub id_type: Option<&'a str>,
    pub outcome: &'static str,
    /// The observation that decided.
    pub decided_by: &'a Observation,
    /// Its first own-dated observation; where there is none, the earliest upper bound.
    pub first: Option<i64>,
    /// Its first own-dated observation.
    pub own_first: Option<i64>,
    /// The first own-dated observation of the half that decided that says how it ended; only of a pass or a fail.
    pub decided_at: Option<i64>,
    /// When it was asked for, as its observations say.
    pub requested: Option<i64>,
    pub lookup: Option<Lookup>,
    pub has_receipt: bool,
    /// Its observations, as indices into what was seen.
    pub members: Vec<usize>,
}

/// One question to an ID authority.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    pub signal: &'static str,
    pub window: i64,
    pub is_async: bool,
}

/// Judges every job.
pub fn judge<'a>(attributed: &Attributed<'a>) -> Vec<Verification<'a>> {
    attributed.jobs.iter().map(|job| judge_one(job, &attributed.seen)).collect()
}

fn judge_one<'a>(job: &Job, seen: &[Seen<'a>]) -> Verification<'a> {
    let members: Vec<&Seen<'a>> = job.members.iter().map(|&member| &seen[member]).collect();
    let (outcome, decided_by) = outcome(job.product, &members);
    let channel = first_stated(&members, |one| one.stated.channel.map(Channel::word));
    Verification {
        provider: members[0].stated.provider,
        environment: job.environment,
        partner: members.iter().filter_map(|one| one.partner).min(),
        reference: members.iter().find_map(|one| one.stated.provider_job_id.as_deref()),
        user: members.iter().filter_map(|one| one.stated.user_pseudonym.as_deref()).min(),
        channel,
        product: job.product,
        country: first_stated(&members, |one| one.stated.country.as_deref()),
        id_type: first_stated(&members, |one| one.stated.id_type.as_deref()),
        outcome,
        decided_by,
        first: first_time(&members),
        own_first: members.iter().filter_map(|one| one.own_time()).min(),
        decided_at: decided_at(job.product, &members, outcome, decided_by),
        requested: members.iter().filter_map(|one| one.stated.requested_at_us).min(),
        lookup: lookup(&members, channel == Some(Channel::Async.word())),
        has_receipt: members.iter().any(|one| one.stated.has_receipt && !one.stated.is_history),
        members: job.members.clone(),
    }
}

/// Where the ID half and the face half of a job are judged apart; not stated is both possible.
fn has_halves(product: Option<Product>) -> bool {
    matches!(product, None | Some(Product::BiometricKyc | Product::EnhancedDocumentVerification))
}

/// The job's outcome, and the observation whose codes go with it.
fn outcome<'a>(product: Option<Product>, members: &[&Seen<'a>]) -> (&'static str, &'a Observation) {
    let of_id = |one: &&&Seen| has_halves(product) && one.meaning.half == "id";
    let id = members.iter().filter(of_id).max_by_key(|one| precedence(one));
    let main = members.iter().filter(|one| !of_id(one)).max_by_key(|one| precedence(one));
    let stands = |one: &&Seen<'a>| (one.meaning.outcome, one.stated);
    match (main, id) {
        (Some(main), _) if main.meaning.outcome == "failed" => stands(main),
        (_, Some(id)) if id.meaning.outcome == "failed" => stands(id),
        (Some(main), _) if !matches!(main.meaning.outcome, "pending" | "unknown") => stands(main),
        (_, Some(id)) if matches!(id.meaning.outcome, "unavailable" | "error") => stands(id),
        (Some(main), _) => stands(main),
        // The ID half never passes a job that needs a face.
        (None, Some(id)) if product.is_some() && id.meaning.outcome == "passed" => ("pending", id.stated),
        (None, Some(id)) => stands(id),
        (None, None) => unreachable!("a job has an observation"),
    }
}

/// When the half that decided first said so.
fn decided_at(product: Option<Product>, members: &[&Seen], outcome: &str, decided_by: &Observation) -> Option<i64> {
    let of_id = |one: &Seen| has_halves(product) && one.meaning.half == "id";
    let decider = members.iter().find(|one| std::ptr::eq(one.stated, decided_by))?;
    let same = members.iter().filter(|one| of_id(one) == of_id(decider) && one.meaning.outcome == outcome);
    same.filter(|one| one.meaning.is_final()).filter_map(|one| one.own_time()).min()
}

type Precedence<'a> = (bool, bool, bool, bool, Option<i64>, Reverse<i32>, Reverse<usize>, Reverse<&'a str>);

/// Which of two statements about one half stands: the greater.
fn precedence<'a>(one: &Seen<'a>) -> Precedence<'a> {
    const OF_EQUALS: [&str; 8] =
        ["failed", "passed", "review", "unavailable", "error", "incomplete", "pending", "unknown"];
    let rank = OF_EQUALS.iter().position(|outcome| *outcome == one.meaning.outcome).expect("an outcome");
    (
        one.meaning.is_final(),
        one.meaning.is_human,
        !one.stated.is_part,
        one.own_time().is_some(),
        one.at,
        Reverse(one.stated.position),
        Reverse(rank),
        Reverse(&one.stated.statement_digest),
    )
}

/// A dimension as the earliest own-dated observation that states it has it, else as the earliest other one has it.
fn first_stated<'a>(members: &[&Seen<'a>], stated: impl Fn(&Seen<'a>) -> Option<&'a str>) -> Option<&'a str> {
    let values = members.iter().filter_map(|one| {
        let value = stated(one)?;
        Some((one.own_time().is_none(), one.at.is_none(), one.at, one.stated.position, value))
    });
    values.min().map(|(.., value)| value)
}

fn first_time(members: &[&Seen]) -> Option<i64> {
    members.iter().filter_map(|one| one.own_time()).min().or_else(|| members.iter().filter_map(|one| one.at).min())
}

/// One lookup per job: the earliest own-dated observation that tells how the authority answered.
fn lookup(members: &[&Seen], is_async: bool) -> Option<Lookup> {
    const SIGNALS: [&str; 3] = ["answered", "ambiguous", "unavailable"];
    let asked = members.iter().filter_map(|one| {
        let signal = one.meaning.signal?;
        let rank = SIGNALS.iter().position(|s| *s == signal)?;
        Some((one.own_time()?, rank, signal))
    });
    asked.min().map(|(at, _, signal)| Lookup { signal, window: Micros(at).window_index(), is_async })
}
