//! Smile ID answers around a job: acknowledgements, refusals, availability, fragments and bodies cut to the bone.

use super::super::clock::{self, Authority, HOUR, MINUTE, SECOND, stamp};
use super::super::event::Event;
use super::super::fields::{Fields, texts};
use super::super::world::World;
use super::{Job, Verdict, poll};
use crate::record::{Kind, Provider};

/// The authorities whose availability is asked for.
const POLLED: [(&str, &str); 2] = [("NG", "BVN"), ("NG", "NIN_V2")];

/// Refused requests: code, words.
const REFUSALS: [(u32, (&str, &str)); 16] = [
    (30, ("2215", "Job already exists. Did you mean to set the retry flag to true?")),
    (15, ("2213", "Missing or invalid parameter")),
    (10, ("2405", "You are not authorized to do that.")),
    (8, ("2428", "Insufficient wallet balance")),
    (5, ("2413", "\"country\" must be one of [NG, ZA]")),
    (4, ("2205", "You are not authorized to do that.")),
    (4, ("2212", "Invalid job type.")),
    (4, ("2210", "No enrolled user found")),
    (3, ("2209", "User already enrolled")),
    (3, ("2204", "Wrong parameter type")),
    (3, ("2203", "Invalid JSON")),
    (3, ("2201", "System error")),
    (2, ("2401", "System error")),
    (2, ("2207", "Enrolled user is disabled")),
    (2, ("2220", "Production is not enabled")),
    (2, ("2415", "Duplicate request")),
];

const QUERY_ERRORS: [(u32, (&str, &str)); 5] = [
    (40, ("2304", "Job not found")),
    (20, ("2314", "No zip file received")),
    (15, ("2305", "Invalid sec_key")),
    (15, ("2313", "Missing parameters")),
    (10, ("2301", "System error")),
];

fn plain(kind: Kind, name: &'static str, at: i64, body: String) -> Event {
    Event::json(Provider::SmileId, kind, name, at, body)
}

/// The answer to an upload: the provider's reference before there is any result.
pub fn upload_accepted(world: &mut World, job: &Job) -> Event {
    let partner = job.partner();
    let reference = format!("{partner}-{}-{}", job.smile_id, world.random.hex(28));
    let fields = Fields::new()
        .text("upload_url", &format!("https://smile-uploads.example/videos/{partner}/{reference}/selfie.zip"))
        .text("ref_id", &reference)
        .text("smile_job_id", &job.smile_id)
        .raw("camera_config", world.random.pick(&["null", "\"null\""]));
    let body = match world.random.below(5) {
        0 => fields.raw("code", "2202").end(),
        _ => fields.text("code", "2202").end(),
    };
    let event = plain(Kind::SubmissionAck, "smile.upload_accepted", job.at, body);
    job.context(event, "upload", true)
}

/// A request that became no job.
pub fn refusal(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 1);
    let (code, words) = *world.random.weighted(&REFUSALS);
    let fields = Fields::new().text("error", words);
    let fields = match world.random.below(6) {
        0 => fields.raw("code", code),
        1 => fields.text("code", code).raw("success", "false"),
        _ => fields.text("code", code),
    };
    let event = plain(Kind::ErrorResponse, "smile.refusal", job.at, fields.end());
    let wanted = world.random.chance(700);
    vec![job.context(event, "upload", wanted)]
}

/// A question about a job that could not be answered.
pub fn query_error(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 1);
    let (code, words) = *world.random.weighted(&QUERY_ERRORS);
    let body = texts(&[("error", words), ("code", code)]);
    vec![job.context(plain(Kind::ErrorResponse, "smile.query_error", job.at, body), "job_status", true)]
}

/// An upload that was announced and never came.
pub fn unfinished_upload(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 1);
    let mut events = vec![upload_accepted(world, &job)];
    let mut at = job.at;
    for _ in 0..world.random.between(1, 2) {
        at += world.random.between(MINUTE, HOUR);
        events.push(poll::pending(world, &job, at));
    }
    events
}

/// Answers that say nothing about anybody.
pub fn no_verdict(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let body = if world.random.chance(500) {
        format!("{{\"success\":true,\"token\":\"sample.{}\"}}", world.random.hex(32))
    } else {
        String::from(
            "{\"bank_codes\":[{\"name\":\"Sample Bank\",\"code\":\"000\"}],\"id_types\":{\"NG\":{\"BVN\":[\"country\",\"id_type\",\"id_number\"]}},\
             \"hosted_web\":{\"enhanced_kyc\":{\"NG\":{\"name\":\"Nigeria\",\"id_types\":{\"BVN\":{\"label\":\"BVN\"}}}}}}",
        )
    };
    vec![plain(Kind::OtherNoVerdict, "smile.no_verdict", at, body)]
}

/// A part of a payload that a store kept without the rest.
pub fn fragment(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 5);
    vec![plain(Kind::Fragment, "smile.fragment", job.at, job.partner_params)]
}

/// Callbacks of which a store kept little: no number of the provider's, or one under another name.
pub fn minimal_callback(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 1);
    let (code, text, outcome) = *world.random.weighted(&[
        (80, ("0810", "Enroll User", "passed")),
        (20, ("0811", "Failed Enroll Machine Judgement - FAIL - Compare Rejected", "failed")),
    ]);
    let fields =
        Fields::new().raw("PartnerParams", &job.partner_params).text("ResultCode", code).text("ResultText", text);
    let fields = if world.random.chance(500) { fields.text("JobId", &job.smile_id) } else { fields };
    let event = plain(Kind::Callback, "smile.callback_minimal", job.at, fields.end()).outcome(outcome);
    vec![job.context(event, "upload", false)]
}

/// A result whose code no catalogue holds, as a provider's next release may send it.
pub fn unknown_code(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 1);
    let verdict = Verdict { code: "0819", text: "Enroll User - Held For Partner Decision", outcome: "unknown" };
    let fields = job.result(&verdict, "WebAPI", "SAIA", "{\"Liveness_Check\":\"Unable To Determine\"}");
    let body = job.callback(world, fields, job.at, false);
    let event = plain(Kind::Callback, "smile.unknown_code", job.at, body).outcome(verdict.outcome);
    vec![job.context(event, "upload", false)]
}

/// The availability that Smile ID declares, asked for on a grid of ten minutes over the whole period; the grid is
/// thinned until there are at most `budget` answers.
pub fn status_polls(world: &mut World, budget: u64) -> Vec<Event> {
    let (first, end) = (world.clock.first, world.clock.end);
    let windows = (end - first) / (10 * MINUTE);
    let wanted = windows as u64 * POLLED.len() as u64;
    let step = 10 * MINUTE * wanted.div_ceil(budget.max(1)).max(1) as i64;
    let mut events = Vec::new();
    let mut at = first;
    while at < end {
        for (country, id_type) in POLLED {
            if let Some(authority) = clock::find(country, id_type) {
                events.push(status_poll(world, authority, at));
            }
        }
        at += step;
    }
    events.truncate(usize::try_from(budget).unwrap_or(usize::MAX));
    events
}

fn status_poll(world: &mut World, authority: &Authority, window: i64) -> Event {
    // Both authorities are checked in the same second, so that equal answers about two types of ID occur.
    let checked = window + 4 * MINUTE + 20 * SECOND;
    let down = world.clock.down_until(authority, checked).is_some();
    let (word, check, last, hour) = if down {
        ("offline", "failure", world.random.pick(&["0%", "4%", "16%"]), world.random.pick(&["0%", "16%", "41%"]))
    } else {
        match world.random.below(50) {
            0 => ("interruption", "success", "80%", "72%"),
            1 => ("online", "success", "90%", "90%"),
            _ => ("online", "success", world.random.pick(&["100%", "98%"]), world.random.pick(&["100%", "97%"])),
        }
    };
    let body = texts(&[
        ("last_checked", &stamp(checked)),
        ("last_check_status", check),
        ("last_hour_success_rate", hour),
        ("last_known_status", word),
        ("last_check_success_rate", last),
    ]);
    let request = texts(&[
        ("url", "https://api.smileidentity.com/api/v2/partner/id_status"),
        ("country", authority.country),
        ("id_type", authority.id_type),
        ("partner_id", super::PARTNER),
        ("environment", "production"),
    ]);
    plain(Kind::IdStatus, "smile.id_status", window + 5 * MINUTE, body).request(request)
}
