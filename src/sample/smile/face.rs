//! Products that look at a face or a document: provisional results, human review, ID halves and polls.

use super::super::clock::{HOUR, MINUTE, SECOND};
use super::super::event::Event;
use super::super::fields::{Fields, texts};
use super::super::world::World;
use super::lookup::{UNAVAILABLE, enhanced_actions, human_delay};
use super::{Job, Verdict, answer, confidence, poll, verdict};
use crate::record::{Kind, Provider};

const ID_HALF: [(u32, Verdict); 4] = [
    (900, verdict("1012", "ID Validated", "passed")),
    (75, verdict("1013", "Unable to Validate ID", "failed")),
    (8, verdict("1014", "Unsupported ID number format", "error")),
    (5, UNAVAILABLE),
];

const BIOMETRIC: [(u32, Verdict); 9] = [
    (760, verdict("0810", "Enroll User", "passed")),
    (80, verdict("0811", "Failed Enroll Machine Judgement - FAIL - Compare Rejected", "failed")),
    (75, verdict("0814", "Provisional Enroll - Under Review", "review")),
    (20, verdict("0812", "Pure Provisional", "review")),
    (15, verdict("0813", "Possible Spoof", "failed")),
    (10, verdict("0907", "FAIL - Possible Spoof - Strict Setting", "failed")),
    (12, verdict("0911", "No Face Found", "failed")),
    (10, verdict("0912", "Image Quality Judged Too Poor", "failed")),
    (4, verdict("0903", "Zip Corrupt", "failed")),
];
const BIOMETRIC_REVIEWED: [(u32, Verdict); 3] = [
    (75, verdict("1210", "Enroll User", "passed")),
    (15, verdict("1211", "Failed Enroll - Human Judgement - Compare Rejected", "failed")),
    (10, verdict("1212", "Failed Enroll - Human Judgement - Spoof Detected", "failed")),
];
const ISSUER_DOWN: Verdict = verdict("0908", "Issuer Not Available", "unavailable");

const DOCUMENT: [(u32, Verdict); 7] = [
    (780, verdict("0810", "Document Verified", "passed")),
    (70, verdict("0811", "Unable to Verify Document - No Face Match", "failed")),
    (50, verdict("0812", "Unable to Verify Document - Failed Security Features Check", "failed")),
    (15, verdict("0813", "Document Not Verified - Machine Judgement", "failed")),
    (60, verdict("0814", "Provisional - Under Review", "review")),
    (20, verdict("0816", "Unable to Verify Document - Unsupported Document", "failed")),
    (5, verdict("0001", "ID Card image unusable", "failed")),
];
const DOCUMENT_REVIEWED: [(u32, Verdict); 2] = [
    (80, verdict("0810", "Document Verified After Human Review", "passed")),
    (20, verdict("0812", "Unable to Verify Document - Failed Security Features Check", "failed")),
];

const AUTHENTICATION: [(u32, Verdict); 6] = [
    (800, verdict("0820", "Authenticated", "passed")),
    (90, verdict("0821", "Failed Authentication - Compare Rejected", "failed")),
    (60, verdict("0822", "Provisional Authentication - Under Review", "review")),
    (20, verdict("0823", "Failed Authentication - Possible Spoof", "failed")),
    (15, verdict("0825", "Provisional Authentication - Compare Unsure", "review")),
    (15, verdict("0921", "No Face Found", "failed")),
];
const AUTHENTICATION_REVIEWED: [(u32, Verdict); 3] = [
    (75, verdict("1220", "Authenticated", "passed")),
    (15, verdict("1221", "Failed Authentication - Human Judgement - Compare Rejected", "failed")),
    (10, verdict("1222", "Failed Authentication - Human Judgement - Spoof Detected", "failed")),
];

const REGISTRATION: [(u32, Verdict); 6] = [
    (820, verdict("0840", "Enroll User", "passed")),
    (70, verdict("0841", "Failed Enroll - Compare Rejected", "failed")),
    (60, verdict("0842", "Provisional Enroll - Under Review", "review")),
    (20, verdict("0843", "Failed Enroll - Possible Spoof", "failed")),
    (15, verdict("0846", "Pending Enroll - Possible Spoof", "review")),
    (15, verdict("0942", "Image Quality Judged Too Poor", "failed")),
];
const REGISTRATION_REVIEWED: [(u32, Verdict); 3] = [
    (75, verdict("1240", "Enroll User", "passed")),
    (15, verdict("1241", "Failed Enroll - Human Judgement - Image Unusable", "failed")),
    (10, verdict("1242", "Failed Enroll - Human Judgement - Spoof Detected", "failed")),
];

/// One product of this family.
struct Family {
    name: &'static str,
    job_type: u8,
    result_type: &'static str,
    verdicts: &'static [(u32, Verdict)],
    reviewed: &'static [(u32, Verdict)],
    /// Asks the ID authority, too, and sends a callback about it.
    id_half: bool,
    receipt: bool,
}

/// Selfie against the photo of the ID authority: two callbacks, sometimes a human judgement hours later.
pub fn biometric_kyc(world: &mut World) -> Vec<Event> {
    run(
        world,
        &Family {
            name: "smile.biometric_kyc",
            job_type: 1,
            result_type: "SAIA",
            verdicts: &BIOMETRIC,
            reviewed: &BIOMETRIC_REVIEWED,
            id_half: true,
            receipt: true,
        },
    )
}

/// Selfie against a photographed document.
pub fn document_verification(world: &mut World) -> Vec<Event> {
    run(world, &document("smile.document_verification", 6, false))
}

/// The same with a lookup at the authority.
pub fn enhanced_document_verification(world: &mut World) -> Vec<Event> {
    run(world, &document("smile.enhanced_document_verification", 11, true))
}

fn document(name: &'static str, job_type: u8, id_half: bool) -> Family {
    Family {
        name,
        job_type,
        result_type: "Document Verification",
        verdicts: &DOCUMENT,
        reviewed: &DOCUMENT_REVIEWED,
        id_half,
        receipt: true,
    }
}

/// A selfie against the one on file.
pub fn authentication(world: &mut World) -> Vec<Event> {
    run(world, &selfie("smile.smartselfie_authentication", 2, &AUTHENTICATION, &AUTHENTICATION_REVIEWED))
}

/// A first selfie.
pub fn registration(world: &mut World) -> Vec<Event> {
    run(world, &selfie("smile.smartselfie_registration", 4, &REGISTRATION, &REGISTRATION_REVIEWED))
}

fn selfie(
    name: &'static str,
    job_type: u8,
    verdicts: &'static [(u32, Verdict)],
    reviewed: &'static [(u32, Verdict)],
) -> Family {
    Family { name, job_type, result_type: "DIVA", verdicts, reviewed, id_half: false, receipt: false }
}

/// One job from its upload to its last poll; while the authority is down the user tries again.
fn run(world: &mut World, family: &Family) -> Vec<Event> {
    let mut events = Vec::new();
    let mut job = Job::new(world, family.job_type);
    for _ in 0..3 {
        let down =
            family.id_half && world.clock.down_until(job.authority, job.at).is_some() && world.random.chance(900);
        attempt(world, family, &job, down, &mut events);
        if !down || !world.random.chance(600) {
            break;
        }
        let later = job.at + world.random.between(HOUR / 2, 3 * HOUR);
        job = job.retry(world, family.job_type, later);
    }
    events
}

fn attempt(world: &mut World, family: &Family, job: &Job, down: bool, events: &mut Vec<Event>) {
    if world.random.chance(150) {
        events.push(answer::upload_accepted(world, job));
    }
    let mut at = job.at + world.random.between(5 * SECOND, 4 * MINUTE);
    if world.random.chance(120) {
        events.push(poll::pending(world, job, at - 4 * SECOND));
    }
    let mut results = Vec::new();
    let mut face = if down { &ISSUER_DOWN } else { world.random.weighted(family.verdicts) };
    if family.id_half && !down {
        let id = world.random.weighted(&ID_HALF);
        if id.outcome == "failed" && family.job_type == 1 {
            face = &family.verdicts[1].1;
        }
        let (event, result) = id_callback(world, job, id, at);
        events.push(event);
        results.insert(0, result);
        at += world.random.between(SECOND, 40 * SECOND);
    }
    let first = face_callback(world, family, job, face, at, events);
    results.insert(0, first);
    let mut outcome = face.outcome;
    if outcome == "review" {
        if world.random.chance(200) {
            let answer = poll::answer(world, job, &results, outcome);
            events.push(answer.event(world, job, at + MINUTE));
        }
        if world.random.chance(880) {
            at += human_delay(world);
            let reviewed = world.random.weighted(family.reviewed);
            let last = face_callback(world, family, job, reviewed, at, events);
            results.insert(0, last);
            outcome = reviewed.outcome;
        }
    }
    if world.random.chance(180) {
        at += world.random.between(MINUTE, 30 * MINUTE);
        let answer = poll::answer(world, job, &results, outcome);
        events.push(answer.event(world, job, at));
        if world.random.chance(400) {
            events.push(answer.event(world, job, at + 5 * MINUTE));
        }
    }
}

/// The callback about the ID lookup, and its result as histories repeat it.
fn id_callback(world: &mut World, job: &Job, verdict: &Verdict, at: i64) -> (Event, String) {
    let fields = job.result(verdict, "WebAPI", "ID Verification", &enhanced_actions(verdict));
    let fields = job.person_fields(world, fields, verdict.code == "1012");
    let body = job.callback(world, fields, at, false);
    let event = Event::json(Provider::SmileId, Kind::Callback, "smile.id_half", at, body).outcome(verdict.outcome);
    let record = Fields::new()
        .text("DOB", &job.person.born)
        .text("IDType", job.authority.id_type)
        .text("Country", job.authority.country_name)
        .text("FullName", &job.person.full_name())
        .text("ExpirationDate", "Not Available")
        .text("ResultCode", verdict.code)
        .text("ResultText", verdict.text)
        .text("SmileJobID", &job.smile_id)
        .raw("PartnerParams", &job.partner_params);
    (job.context(event, "upload", false), record.end())
}

/// The callback about the face or document; returns its result as polls repeat it.
fn face_callback(
    world: &mut World,
    family: &Family,
    job: &Job,
    verdict: &Verdict,
    at: i64,
    events: &mut Vec<Event>,
) -> String {
    let source = world.random.pick(&["WebAPI", "WebAPI - ruby", "Rest API"]);
    let result_type = if verdict.outcome == "unavailable" { "SYSTEM" } else { family.result_type };
    let fields = job.result(verdict, source, result_type, &actions(family, verdict));
    let fields = confidence(world, fields, verdict.outcome != "failed");
    let result = fields.clone().end();
    let mut fields = fields;
    if family.job_type == 6 && world.random.chance(700) {
        let id_type = world.random.pick(&["PASSPORT", "IDENTITY_CARD", "DRIVERS_LICENSE"]);
        fields = fields.text("Country", job.authority.country).text("IDType", id_type);
    }
    if world.random.chance(150) {
        fields = fields.raw("ImageLinks", &poll::image_links(world, job));
    }
    if verdict.code == "0811" && world.random.chance(200) {
        let suspect = format!(
            "{{\"SuspectUsers\":[{{\"reason\":\"duplicate\",\"user_id\":\"user-{}\"}}]}}",
            world.random.hex(16)
        );
        fields = fields.raw("Antifraud", &suspect);
    }
    let receipt =
        family.receipt && verdict.outcome != "review" && verdict.outcome != "unavailable" && world.random.chance(850);
    let body = job.callback(world, fields, at, receipt);
    let event = Event::json(Provider::SmileId, Kind::Callback, family.name, at, body).outcome(verdict.outcome);
    events.push(job.context(event, "upload", false));
    result
}

/// What was checked, by product and outcome.
fn actions(family: &Family, verdict: &Verdict) -> String {
    let state = match verdict.outcome {
        "passed" => "Passed",
        "failed" => "Failed",
        "review" => "Under Review",
        _ => "Not Done",
    };
    let passed = verdict.outcome == "passed";
    let compared = if passed { "Completed" } else { state };
    let registered = if passed { "Approved" } else { "Rejected" };
    let is_down = verdict.outcome == "unavailable";
    let number = if is_down { "Issuer Unavailable" } else { "Verified" };
    let human = if verdict.code.starts_with("12") { state } else { "Not Applicable" };
    match family.job_type {
        1 => texts(&[
            ("Liveness_Check", state),
            ("Register_Selfie", registered),
            ("Selfie_Provided", "Passed"),
            ("Selfie_To_ID_Authority_Compare", compared),
            ("Verify_ID_Number", number),
            ("Human_Review_Compare", human),
            ("Human_Review_Liveness_Check", human),
        ]),
        6 | 11 => texts(&[
            ("Document_Check", state),
            ("Verify_Document", state),
            ("Liveness_Check", "Passed"),
            ("Selfie_To_ID_Card_Compare", "Completed"),
            ("Human_Review_Document_Check", human),
        ]),
        _ => texts(&[
            ("Liveness_Check", state),
            ("Selfie_To_Registered_Selfie_Compare", compared),
            ("Human_Review_Compare", human),
        ]),
    }
}

/// SmartSelfie of the second API version: snake_case, with a word for a verdict.
pub fn smartselfie_v2(world: &mut World) -> Vec<Event> {
    let job = Job::new(world, 2);
    let (code, status, message, outcome) = *world.random.weighted(&[
        (80, ("0820", "approved", "Authenticated", "passed")),
        (12, ("0821", "rejected", "Failed Authentication - Compare Rejected", "failed")),
        (8, ("0822", "pending", "Provisional Authentication - Under Review", "review")),
    ]);
    let (kind, code) = if world.random.chance(500) {
        ("smart_selfie_authentication", code.to_owned())
    } else {
        ("smart_selfie_enrollment", code.replacen("082", "084", 1))
    };
    let time = super::clock::stamp(job.at);
    let body = Fields::new()
        .text("code", &code)
        .text("created_at", &time)
        .text("job_id", &job.smile_id)
        .text("job_type", kind)
        .text("message", message)
        .text("partner_id", job.partner())
        .raw("partner_params", &texts(&[("channel", "app")]))
        .text("status", status)
        .text("updated_at", &time)
        .text("user_id", &job.user_id)
        .end();
    let event = Event::json(Provider::SmileId, Kind::Callback, "smile.smartselfie_v2", job.at, body).outcome(outcome);
    vec![job.context(event, "smart-selfie-authentication", false)]
}
