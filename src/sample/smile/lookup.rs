//! Products that ask an ID authority, a business register or a watch list and answer at once or by callback.

use super::super::clock::{self, DAY, HOUR, MINUTE, SECOND};
use super::super::event::Event;
use super::super::fields::{Fields, array, texts};
use super::super::people;
use super::super::world::World;
use super::{Job, Verdict, verdict};
use crate::record::{Kind, Provider};

/// The authority did not answer.
pub const UNAVAILABLE: Verdict = verdict("1015", "Queried Database Unavailable", "unavailable");

const ENHANCED: [(u32, Verdict); 8] = [
    (650, verdict("1012", "ID Number Validated", "passed")),
    (130, verdict("1012", "Valid ID", "passed")),
    (100, verdict("1013", "Invalid ID", "failed")),
    (65, verdict("1013", "Unable to Validate ID", "failed")),
    (35, verdict("1014", "Unsupported ID number format", "error")),
    (10, verdict("1016", "Need to Activate Product", "error")),
    (4, verdict("1016", "Unable to verify ID - This feature is not enabled for your Smile ID account.", "error")),
    (6, UNAVAILABLE),
];

const BASIC: [(u32, Verdict); 7] = [
    (660, verdict("1020", "Exact Match", "passed")),
    (120, verdict("1021", "Partial Match", "passed")),
    (160, verdict("1022", "No Match", "failed")),
    (35, verdict("1023", "Not Found", "failed")),
    (15, verdict("1014", "Unsupported ID number format", "error")),
    (4, verdict("1016", "Need to Activate Product", "error")),
    (6, UNAVAILABLE),
];

const BUSINESS: [(u32, Verdict); 3] = [
    (80, verdict("1012", "Business Verified", "passed")),
    (16, verdict("1013", "Unable to Validate ID", "failed")),
    (4, UNAVAILABLE),
];

const AML: [(u32, Verdict); 3] = [
    (84, verdict("1031", "No matches found", "passed")),
    (12, verdict("1030", "Found on list", "failed")),
    (4, UNAVAILABLE),
];

/// A sandbox account refuses real numbers in words of its own.
const SANDBOX_FORMAT: Verdict = verdict(
    "1014",
    "Unable to validate ID - Unsupported ID number format - only test data may be used in the sandbox",
    "error",
);

/// Enhanced KYC while the caller waits; after an outage the user tries again.
pub fn enhanced_kyc_sync(world: &mut World) -> Vec<Event> {
    sync_lookup(world, "smile.enhanced_kyc.sync", &ENHANCED, enhanced_actions)
}

/// Basic KYC while the caller waits.
pub fn basic_kyc(world: &mut World) -> Vec<Event> {
    sync_lookup(world, "smile.basic_kyc", &BASIC, basic_actions)
}

fn sync_lookup(
    world: &mut World,
    name: &'static str,
    verdicts: &'static [(u32, Verdict)],
    actions: fn(&Verdict) -> String,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut job = Job::new(world, 5);
    for _ in 0..3 {
        let down = world.clock.down_until(job.authority, job.at).is_some() && world.random.chance(930);
        let verdict = if down {
            &UNAVAILABLE
        } else if job.sandbox && world.random.chance(150) {
            &SANDBOX_FORMAT
        } else {
            world.random.weighted(verdicts)
        };
        events.push(lookup(world, &job, name, verdict, "ID API", &actions(verdict), job.at));
        if verdict.outcome != "unavailable" || !world.random.chance(700) {
            break;
        }
        let later = job.at + world.random.between(10 * MINUTE, 90 * MINUTE);
        job = job.retry(world, 5, later);
    }
    events
}

/// Enhanced KYC by callback: the provider waits for the authority, so an outage becomes a delay.
pub fn enhanced_kyc_async(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 5);
    let mut at = job.at + world.random.between(2 * SECOND, 3 * MINUTE);
    let verdict = match world.clock.down_until(job.authority, job.at) {
        Some(_) if world.random.chance(120) => &UNAVAILABLE,
        Some(end) => {
            at = end + world.random.between(MINUTE, HOUR);
            world.random.weighted(&ENHANCED[..5])
        }
        None => world.random.weighted(&ENHANCED),
    };
    vec![lookup(world, &job, "smile.enhanced_kyc.async", verdict, "Async ID API", &enhanced_actions(verdict), at)]
}

fn lookup(
    world: &mut World,
    job: &Job,
    name: &'static str,
    verdict: &Verdict,
    source: &str,
    actions: &str,
    at: i64,
) -> Event {
    let found = matches!(verdict.code, "1012" | "1020" | "1021");
    let fields = job.result(verdict, source, "ID Verification", actions);
    let fields = job.person_fields(world, fields, found && !name.contains("basic"));
    let sync = source == "ID API";
    let body = if sync && world.random.chance(400) {
        // Answers of the older libraries carry no signature.
        fields.end()
    } else {
        job.callback(world, fields, at, false)
    };
    let event = Event::json(Provider::SmileId, Kind::Callback, name, at, body).outcome(verdict.outcome);
    let wanted = sync || world.random.chance(500);
    job.context(event, if sync { "id_verification" } else { "async_id_verification" }, wanted)
}

/// What a lookup did, by its code.
pub fn enhanced_actions(verdict: &Verdict) -> String {
    let (verify, info) = match verdict.code {
        "1012" => ("Verified", "Returned"),
        "1013" => ("Not Verified", "Not Returned"),
        "1015" => ("Issuer Unavailable", "Not Returned"),
        _ => ("Not Done", "Not Returned"),
    };
    texts(&[("Verify_ID_Number", verify), ("Return_Personal_Info", info)])
}

fn basic_actions(verdict: &Verdict) -> String {
    let verify = match verdict.code {
        "1020" | "1021" | "1022" => "Verified",
        "1023" => "Not Verified",
        "1015" => "Issuer Unavailable",
        _ => "Not Done",
    };
    let (names, born) = match verdict.code {
        "1020" => ("Exact Match", "Exact Match"),
        "1021" => ("Partial Match", "Transposed"),
        "1022" => ("No Match", "No Match"),
        _ => ("Not Provided", "Not Provided"),
    };
    texts(&[("Verify_ID_Number", verify), ("Names", names), ("DOB", born), ("Phone_Number", "Not Provided")])
}

/// Business verification, with a receipt of its own name.
pub fn business(world: &mut World) -> Vec<Event> {
    let mut job = Job::new(world, 7);
    let (country, id_type) = *world.random.weighted(&[
        (70, ("NG", "BUSINESS_REGISTRATION")),
        (15, ("NG", "TAX_INFORMATION")),
        (10, ("KE", "BUSINESS_REGISTRATION")),
        (5, ("ZA", "BUSINESS_REGISTRATION")),
    ]);
    job.authority = clock::find(country, "NATIONAL_ID").unwrap_or(job.authority);
    let verdict = world.random.weighted(&BUSINESS);
    let verified = verdict.code == "1012";
    let actions = texts(&[
        ("Verify_Business", if verified { "Verified" } else { "Not Verified" }),
        ("Return_Business_Info", if verified { "Returned" } else { "Not Returned" }),
    ]);
    let number = people::fill(&mut world.random, "0000###");
    let mut fields = job
        .result(verdict, "Rest API", "Business Verification", &actions)
        .text("Country", country)
        .text("IDType", id_type)
        .text("IDNumber", &number)
        .raw("success", if verified { "true" } else { "false" });
    if verified {
        fields = company(world, &job, fields, &number).text("kyb_receipt", &job.receipt());
    }
    let body = job.callback(world, fields, job.at, false);
    let event = Event::json(Provider::SmileId, Kind::Callback, "smile.business", job.at, body).outcome(verdict.outcome);
    vec![job.context(event, "business_verification", true)]
}

fn company(world: &mut World, job: &Job, fields: Fields, number: &str) -> Fields {
    let name = people::company(&mut world.random);
    let company = texts(&[
        ("company_type", "PRIVATE_COMPANY_LIMITED_BY_SHARES"),
        ("country", "Nigeria"),
        ("address", &job.person.address),
        ("registration_number", number),
        ("search_number", number),
        ("authorized_shared_capital", "10000000"),
        ("tax_id", "N/A"),
        ("registration_date", "2016-01-28T16:06:22.003+00:00"),
        ("legal_name", &name),
        ("status", "ACTIVE"),
    ]);
    let director = texts(&[
        ("name", &job.person.full_name()),
        ("shareholdings", "100000"),
        ("id_number", "A000000"),
        ("address", &job.person.address),
        ("date_of_birth", &job.person.born),
        ("phone_number", &job.person.phone),
    ]);
    fields
        .raw("company_information", &company)
        .raw("directors", &array(&[director]))
        .raw("beneficial_owners", "[]")
        .raw("fiduciaries", "[]")
        .raw("proprietors", "[]")
        .raw("documents", "{\"search_certificate\":\"\"}")
}

/// Screening against watch lists.
pub fn aml(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 10);
    let verdict = world.random.weighted(&AML);
    let listed = verdict.code == "1030";
    let person = texts(&[
        ("name", &job.person.full_name()),
        ("dates_of_birth", &job.person.born),
        ("nationalities", job.authority.country_name),
        ("source_type", "SANCTIONS"),
    ]);
    let actions = if listed { "{\"Listed\":\"Listed\"}" } else { "{\"Listed\":\"Not Listed\"}" };
    let fields = job
        .result(verdict, "Rest API", "AML", actions)
        .raw("no_of_persons_found", if listed { "1" } else { "0" })
        .raw("StrictMatch", "true")
        .raw("people", &if listed { array(&[person]) } else { String::from("[]") });
    let body = job.callback(world, fields, job.at, false);
    let event = Event::json(Provider::SmileId, Kind::Callback, "smile.aml", job.at, body).outcome(verdict.outcome);
    vec![job.context(event, "aml", true)]
}

/// How long a person takes to look at a job.
pub fn human_delay(world: &mut World) -> i64 {
    world.random.between(20 * MINUTE, DAY / 3)
}
