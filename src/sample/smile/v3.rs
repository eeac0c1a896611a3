//! The third API version: acknowledgements, callbacks whose job is named in HTTP headers, status answers.

use super::super::clock::{self, HOUR, MINUTE, SECOND, stamp};
use super::super::event::Event;
use super::super::fields::{Fields, texts};
use super::super::people::{Person, id_number};
use super::super::world::World;
use super::{PARTNER, hmac};
use crate::record::{Kind, Provider};

const PRODUCTS: [(u32, &str); 10] = [
    (22, "enhanced_kyc"),
    (22, "biometric_kyc"),
    (18, "document_verification"),
    (6, "enhanced_document_verification"),
    (3, "residency_document_verification"),
    (8, "smartselfie_authentication"),
    (6, "smartselfie_registration"),
    (3, "smartselfie_compare"),
    (6, "one_time_aml"),
    (6, "address_verification"),
];

/// A decision: status, reason, outcome.
type Decision = (&'static str, Option<&'static str>, &'static str);

const DECISIONS: [(u32, Decision); 9] = [
    (770, ("clear", None, "passed")),
    (40, ("block", Some("invalid_id_number"), "failed")),
    (70, ("block", Some("high_risk"), "failed")),
    (30, ("block", Some("document_unclassifiable"), "failed")),
    (40, ("attention", Some("high_risk"), "review")),
    (12, ("error", Some("internal_error"), "error")),
    (14, ("error", Some("image_unavailable_or_invalid"), "error")),
    (6, ("error", Some("content_policy_violated"), "error")),
    (6, ("error", Some("service_unavailable"), "unavailable")),
];
const AML: [(u32, Decision); 3] = [
    (80, ("clear", None, "passed")),
    (14, ("block", Some("aml_match_found"), "failed")),
    (6, ("attention", Some("news_media_match"), "review")),
];
const ADDRESS: [(u32, Decision); 6] = [
    (76, ("clear", None, "passed")),
    (8, ("attention", Some("information_outdated"), "review")),
    (6, ("block", Some("address_out_of_range"), "failed")),
    (4, ("block", Some("name_mismatch"), "failed")),
    (4, ("block", Some("no_address_on_record"), "failed")),
    (2, ("block", Some("identifier_not_found"), "failed")),
];

/// An identifier of the third version.
fn type_id(world: &mut World, prefix: &str) -> String {
    format!("{prefix}_{}", world.random.string(b"0123456789abcdefghjkmnpqrstvwxyz", 26))
}

/// A check from its acknowledgement to its callback; some are asked about in between.
pub fn check(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let (job, user) = (type_id(world, "job"), type_id(world, "user"));
    let mut events = Vec::new();
    if world.random.chance(250) {
        events.push(accepted(world, at, &job, &user));
    }
    if world.random.chance(120) {
        let body = status(&job, &user, "processing", "Job is being processed");
        events.push(plain(Kind::JobStatus, "smile.v3.processing", at + 10 * SECOND, body).outcome("pending"));
    }
    let product = *world.random.weighted(&PRODUCTS);
    let authority = clock::any_authority(&mut world.random);
    let decision = decide(world, product, world.clock.down_until(authority, at).is_some());
    let done = at + world.random.between(4 * SECOND, 3 * MINUTE);
    let id = if product.ends_with("kyc") || product.contains("document") { Some(authority) } else { None };
    events.push(callback(world, &Decided { product, decision, authority: id }, at, done, &job, &user));
    if decision.0 == "attention" && world.random.chance(700) {
        let decision = if world.random.chance(750) { ("clear", None, "passed") } else { ("block", None, "failed") };
        let later = done + world.random.between(HOUR / 2, 8 * HOUR);
        events.push(callback(world, &Decided { product, decision, authority: id }, at, later, &job, &user));
    } else if world.random.chance(80) {
        let body = status(&job, &user, decision.0, "Job completed");
        events.push(plain(Kind::JobStatus, "smile.v3.status", done + MINUTE, body).outcome(decision.2));
    }
    events
}

fn decide(world: &mut World, product: &str, down: bool) -> Decision {
    match product {
        "one_time_aml" => *world.random.weighted(&AML),
        "address_verification" => *world.random.weighted(&ADDRESS),
        "enhanced_kyc" | "biometric_kyc" if down && world.random.chance(900) => {
            ("error", Some("service_unavailable"), "unavailable")
        }
        _ => *world.random.weighted(&DECISIONS),
    }
}

struct Decided {
    product: &'static str,
    decision: Decision,
    authority: Option<&'static clock::Authority>,
}

fn callback(world: &mut World, decided: &Decided, at: i64, done: i64, job: &str, user: &str) -> Event {
    let (word, reason, outcome) = decided.decision;
    let mut fields = Fields::new().text("status", word).text("message", "Verification result");
    fields = match reason {
        Some(reason) => fields.text("reason", reason),
        None => fields.raw("reason", "null"),
    };
    fields = fields
        .text("product", decided.product)
        .text("created_at", &stamp(at))
        .text("completed_at", &stamp(done))
        .raw("partner_params", world.random.pick(&["null", "{\"channel\":\"app\"}", "{\"branch\":\"accra-1\"}"]));
    fields = if outcome == "error" || outcome == "unavailable" {
        fields.raw("kyc_receipt", "null")
    } else {
        fields.text("kyc_receipt", &format!("https://receipts.smileidentity.com/{PARTNER}/{job}"))
    };
    if let Some(authority) = decided.authority {
        fields = fields.raw("id_fields", &id_fields(world, authority, outcome == "passed"));
    }
    if world.random.chance(200) {
        let risk = if word == "block" { "high" } else { "low" };
        fields = fields.raw("antifraud", &texts(&[("fraud_risk_level", risk)]));
    }
    with_headers(plain(Kind::V3Callback, "smile.v3.callback", done, fields.end()).outcome(outcome), job, user)
}

fn id_fields(world: &mut World, authority: &clock::Authority, found: bool) -> String {
    let number = id_number(&mut world.random, authority);
    let fields =
        Fields::new().text("country", authority.country).text("id_type", authority.id_type).text("id_number", &number);
    if !found {
        return fields.end();
    }
    let person = Person::invent(&mut world.random);
    fields
        .text("first_name", person.first)
        .text("other_names", person.other)
        .text("last_name", person.last)
        .text("full_name", &person.full_name())
        .text("date_of_birth", &person.born)
        .text("gender", person.gender)
        .raw("nationality", "null")
        .raw("is_deceased", "null")
        .raw("address", &texts(&[("address_line_1", &person.address), ("country", authority.country)]))
        .end()
}

fn with_headers(mut event: Event, job: &str, user: &str) -> Event {
    let timestamp = stamp(event.at);
    event.headers = vec![
        ("Content-Type", String::from("application/json")),
        ("Job-ID", job.to_owned()),
        ("User-ID", user.to_owned()),
        ("Response-Signature", hmac(PARTNER, &timestamp)),
        ("Response-Timestamp", timestamp),
    ];
    event
}

/// Callbacks with nothing of their own in the body: many are equal, byte for byte, and only their headers tell the jobs
/// apart. A few were stored without headers and belong to nobody.
pub fn anonymous(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let (word, outcome) = *world.random.weighted(&[(80, ("clear", "passed")), (20, ("block", "failed"))]);
    let body =
        texts(&[("status", word), ("message", "Verification result"), ("product", "smartselfie_authentication")]);
    let event = plain(Kind::V3Callback, "smile.v3.callback_minimal", at, body).outcome(outcome);
    if world.random.chance(150) {
        return vec![event];
    }
    let (job, user) = (type_id(world, "job"), type_id(world, "user"));
    vec![with_headers(event, &job, &user)]
}

fn accepted(world: &mut World, at: i64, job: &str, user: &str) -> Event {
    let word = if world.random.chance(300) { "Accepted" } else { "accepted" };
    let fields = Fields::new()
        .text("status", word)
        .text("message", "Request accepted and queued for processing.")
        .text("job_id", job)
        .text("user_id", user);
    let fields = if world.random.chance(700) { fields.text("created_at", &stamp(at)) } else { fields };
    plain(Kind::SubmissionAck, "smile.v3.accepted", at, fields.end())
}

fn status(job: &str, user: &str, word: &str, message: &str) -> String {
    texts(&[("status", word), ("job_id", job), ("user_id", user), ("message", message)])
}

/// Refusals that put an HTTP phrase where a verdict would be, and a question about a job that is not there.
pub fn http_error(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let (status, message) = *world.random.weighted(&[
        (4, ("Payment Required", "Insufficient wallet balance.")),
        (2, ("Unauthorized", "The request signature is not valid.")),
        (2, ("Bad Request", "id_number is required.")),
        (2, ("not_found", "")),
    ]);
    if status == "not_found" {
        let (job, user) = (type_id(world, "job"), String::from("unknown"));
        let body = self::status(&job, &user, "not_found", "Job not found");
        return vec![plain(Kind::JobStatus, "smile.v3.not_found", at, body)];
    }
    let body = texts(&[("status", status), ("message", message)]);
    vec![plain(Kind::ErrorResponse, "smile.v3.error", at, body)]
}

fn plain(kind: Kind, name: &'static str, at: i64, body: String) -> Event {
    Event::json(Provider::SmileId, kind, name, at, body)
}
