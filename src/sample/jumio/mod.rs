//! Jumio: Netverify callbacks and retrieval answers here; the other products in `other`.

mod other;

use super::clock::{HOUR, MINUTE, SECOND, days_before, stamp};
use super::event::{Body, Event};
use super::fields::{Fields, array, string, texts};
use super::people::{Person, fill};
use super::random::Random;
use super::world::{Scenario, World};
use crate::record::{Kind, Provider};

/// Everything that happens at Jumio.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { weight: 680, make: netverify },
    Scenario { weight: 90, make: other::document },
    Scenario { weight: 80, make: other::authentication },
    Scenario { weight: 130, make: other::platform },
    Scenario { weight: 20, make: other::image_list },
];

/// Addresses from which Jumio sends; the last is nobody's.
const SENDERS: [(u32, &str); 5] =
    [(40, "34.202.241.227"), (30, "34.253.41.236"), (20, "35.157.27.193"), (8, "3.0.109.121"), (2, "192.0.2.66")];

const CRITERIA: [&str; 4] = ["retail", "merchant", "agent-onboarding", "diaspora"];

/// Documents: type, subtype, country.
const DOCUMENTS: [(u32, (&str, &str, &str)); 10] = [
    (20, ("ID_CARD", "NATIONAL_ID", "NGA")),
    (16, ("PASSPORT", "", "NGA")),
    (14, ("ID_CARD", "NATIONAL_ID", "KEN")),
    (12, ("DRIVING_LICENSE", "", "ZAF")),
    (12, ("ID_CARD", "NATIONAL_ID", "GHA")),
    (8, ("PASSPORT", "E_PASSPORT", "GBR")),
    (6, ("ID_CARD", "ELECTORAL_ID", "ZMB")),
    (5, ("PASSPORT", "", "UGA")),
    (4, ("ID_CARD", "RESIDENT_PERMIT_ID", "CIV")),
    (3, ("PASSPORT", "", "XKX")),
];

/// What happened to a scan: status, reject reason, identity verification, outcome.
struct Result {
    status: &'static str,
    reason: Option<(&'static str, &'static str)>,
    face: Option<(&'static str, bool, Option<&'static str>)>,
    outcome: &'static str,
}

const fn denied(status: &'static str, code: &'static str, words: &'static str) -> Result {
    Result { status, reason: Some((code, words)), face: None, outcome: "failed" }
}

const fn approved(
    similarity: &'static str,
    valid: bool,
    reason: Option<&'static str>,
    outcome: &'static str,
) -> Result {
    Result { status: "APPROVED_VERIFIED", reason: None, face: Some((similarity, valid, reason)), outcome }
}

const fn plain(status: &'static str, outcome: &'static str) -> Result {
    Result { status, reason: None, face: None, outcome }
}

const RESULTS: [(u32, Result); 30] = [
    (520, approved("MATCH", true, None, "passed")),
    (220, plain("APPROVED_VERIFIED", "passed")),
    (20, approved("NO_MATCH", true, None, "failed")),
    (8, approved("NOT_POSSIBLE", false, Some("NO_FACE_PRESENT"), "failed")),
    (5, approved("NOT_POSSIBLE", false, Some("MULTIPLE_PEOPLE"), "failed")),
    (5, approved("MATCH", false, Some("LIVENESS_FAILED"), "failed")),
    (4, approved("MATCH", false, Some("SELFIE_CROPPED_FROM_ID"), "failed")),
    (3, approved("NO_MATCH", false, Some("SELFIE_IS_SCREEN_PAPER_VIDEO"), "failed")),
    (12, plain("DENIED_UNSUPPORTED_ID_TYPE", "failed")),
    (8, plain("DENIED_UNSUPPORTED_ID_COUNTRY", "failed")),
    (40, plain("NO_ID_UPLOADED", "incomplete")),
    (12, denied("DENIED_FRAUD", "100", "MANIPULATED_DOCUMENT")),
    (4, denied("DENIED_FRAUD", "105", "FRAUDSTER")),
    (8, denied("DENIED_FRAUD", "106", "FAKE")),
    (5, denied("DENIED_FRAUD", "107", "PHOTO_MISMATCH")),
    (4, denied("DENIED_FRAUD", "108", "MRZ_CHECK_FAILED")),
    (2, denied("DENIED_FRAUD", "109", "PUNCHED_DOCUMENT")),
    (2, denied("DENIED_FRAUD", "110", "CHIP_DATA_MANIPULATED")),
    (2, denied("DENIED_FRAUD", "111", "MISMATCH_PRINTED_BARCODE_DATA")),
    (6, denied("ERROR_NOT_READABLE_ID", "102", "PHOTOCOPY_BLACK_WHITE")),
    (5, denied("ERROR_NOT_READABLE_ID", "103", "PHOTOCOPY_COLOR")),
    (5, denied("ERROR_NOT_READABLE_ID", "104", "DIGITAL_COPY")),
    (20, denied("ERROR_NOT_READABLE_ID", "200", "NOT_READABLE_DOCUMENT")),
    (8, denied("ERROR_NOT_READABLE_ID", "201", "NO_DOCUMENT")),
    (3, denied("ERROR_NOT_READABLE_ID", "202", "SAMPLE_DOCUMENT")),
    (6, denied("ERROR_NOT_READABLE_ID", "206", "MISSING_BACK")),
    (3, denied("ERROR_NOT_READABLE_ID", "207", "WRONG_DOCUMENT_PAGE")),
    (2, denied("ERROR_NOT_READABLE_ID", "209", "MISSING_SIGNATURE")),
    (2, denied("ERROR_NOT_READABLE_ID", "211", "DIFFERENT_PERSONS_SHOWN")),
    (2, denied("ERROR_NOT_READABLE_ID", "300", "MANUAL_REJECTION")),
];

/// One scan.
struct Scan {
    at: i64,
    reference: String,
    merchant_reference: String,
    customer: String,
    criteria: Option<&'static str>,
    source: &'static str,
    document: (&'static str, &'static str, &'static str),
    number: String,
    person: Person,
}

impl Scan {
    fn new(world: &mut World) -> Self {
        let at = world.start();
        let random = &mut world.random;
        Scan {
            at,
            reference: random.uuid(),
            merchant_reference: format!("scan-{}", random.hex(16)),
            customer: format!("customer-{}", random.hex(12)),
            criteria: random.chance(750).then(|| random.pick(&CRITERIA)),
            source: random.pick(&["SDK", "SDK", "SDK", "WEB_CAM", "WEB_UPLOAD", "WEB", "API", "REDIRECT_UPLOAD"]),
            document: *random.weighted(&DOCUMENTS),
            number: fill(random, "A0000####"),
            person: Person::invent(random),
        }
    }
}

/// A callback, with the address that it came from where the store keeps it.
fn event(world: &mut World, kind: Kind, name: &'static str, at: i64, body: Fields, as_form: bool) -> Event {
    let mut event = Event::json(Provider::Jumio, kind, name, at, body.end());
    if as_form {
        event.body = Body::Form(event.text().to_owned());
    }
    event.remote_ip = world.random.chance(900).then(|| String::from(*world.random.weighted(&SENDERS)));
    event
}

/// An object in the form that is sent, or in the JSON that some stores make of it.
fn fields(as_form: bool) -> Fields {
    if as_form { Fields::form() } else { Fields::new() }
}

/// A scan of an ID: its callback, and for some the answers read from the retrieval API before and after.
fn netverify(world: &mut World) -> Vec<Event> {
    let scan = Scan::new(world);
    let result = world.random.weighted(&RESULTS);
    let done = scan.at + world.random.between(30 * SECOND, 25 * MINUTE);
    let mut events = Vec::new();
    if world.random.chance(80) {
        let body = status(&scan, "PENDING", scan.at + 20 * SECOND);
        events.push(retrieval("jumio.retrieval.status", scan.at + 20 * SECOND, body).outcome("pending"));
    }
    let as_form = world.random.chance(850);
    let body = callback(world, &scan, result, done, as_form);
    let name = if as_form { "jumio.netverify.form" } else { "jumio.netverify.json" };
    events.push(event(world, Kind::Callback, name, done, body, as_form).outcome(result.outcome));
    if world.random.chance(150) {
        let later = done + world.random.between(MINUTE, HOUR);
        events.extend(retrievals(world, &scan, result, later));
    }
    events
}

fn callback(world: &mut World, scan: &Scan, result: &Result, at: i64, as_form: bool) -> Fields {
    let (id_type, subtype, country) = scan.document;
    let passed = result.status == "APPROVED_VERIFIED";
    let check = if passed { "OK" } else { "N/A" };
    let image = format!("https://netverify.example/recognition/v1/idscan/{}/front", scan.reference);
    let mut fields = fields(as_form)
        .text("callBackType", "NETVERIFYID")
        .text("jumioIdScanReference", &scan.reference)
        .text("merchantIdScanReference", &scan.merchant_reference)
        .text("verificationStatus", result.status)
        .text("idScanStatus", if passed { "SUCCESS" } else { "ERROR" })
        .text("idScanSource", scan.source)
        .text("transactionDate", &spelling(&mut world.random, scan.at))
        .text("callbackDate", &spelling(&mut world.random, at))
        .text("firstAttemptDate", &stamp(scan.at + 10 * SECOND))
        .text("customerId", &scan.customer)
        .text("clientIp", "203.0.113.7")
        .optional("merchantReportingCriteria", scan.criteria);
    for name in
        ["DataPositions", "DocumentValidation", "Hologram", "MRZcode", "Microprint", "SecurityFeatures", "Signature"]
    {
        fields = fields.text(&format!("idCheck{name}"), check);
    }
    if result.status == "NO_ID_UPLOADED" {
        return fields;
    }
    fields = fields.text("idType", id_type).text("idCountry", country).text("idScanImage", &image);
    if !subtype.is_empty() {
        fields = fields.text("idSubtype", subtype);
    }
    if let Some(reason) = result.reason {
        return match (as_form, world.random.below(12)) {
            (true, 0) => fields.text("rejectReason", &python_spelling(reason)),
            (true, 1) => fields.text("rejectReason", "N/A"),
            _ => fields.raw("rejectReason", &reject_reason(world, reason)),
        };
    }
    if let Some((similarity, valid, reason)) = result.face {
        fields = fields.raw("identityVerification", &face(world, similarity, valid, reason));
    }
    if passed { personal(world, scan, fields) } else { fields }
}

fn personal(world: &mut World, scan: &Scan, fields: Fields) -> Fields {
    let address = texts(&[("country", scan.document.2), ("line1", &scan.person.address), ("city", "Sampletown")]);
    let expiry = days_before(-world.random.between(200, 3000));
    fields
        .text("idNumber", &scan.number)
        .text("idFirstName", scan.person.first)
        .text("idLastName", scan.person.last)
        .text("idDob", &scan.person.born)
        .text("idExpiry", &expiry)
        .text("gender", if scan.person.gender == "Male" { "M" } else { "F" })
        .raw("idAddress", &address)
}

/// A time as Jumio writes it: with none to three digits of milliseconds.
fn spelling(random: &mut Random, at: i64) -> String {
    let full = stamp(at);
    match random.below(12) {
        0 => format!("{}Z", &full[..19]),
        1 => format!("{}Z", &full[..21]),
        _ => full,
    }
}

fn face(world: &mut World, similarity: &str, valid: bool, reason: Option<&str>) -> String {
    let fields = Fields::new().text("similarity", similarity);
    let fields = match (valid, world.random.below(3)) {
        (true, 0) => fields.raw("validity", "true"),
        (true, 1) => fields.text("validity", "true"),
        (true, _) => fields.text("validity", "TRUE"),
        (false, 0) => fields.raw("validity", "false"),
        (false, _) => fields.text("validity", "FALSE"),
    };
    let fields = fields.optional("reason", reason);
    let score = if similarity == "MATCH" { "0.93" } else { "0.11" };
    let fields = if world.random.chance(250) { fields.raw("similarityScore", score) } else { fields };
    fields.end()
}

/// The reason of a rejection; its details are an object when there is one and an array when there are many.
fn reject_reason(world: &mut World, (code, words): (&str, &str)) -> String {
    let details: &[(&str, &str)] = match code {
        "100" => {
            &[("1001", "PHOTO"), ("1002", "DOCUMENT_NUMBER"), ("1003", "EXPIRY"), ("1004", "DOB"), ("1005", "NAME")]
        }
        "200" => &[("2001", "BLURRED"), ("2002", "BAD_QUALITY"), ("2003", "MISSING_PART"), ("2006", "GLARE")],
        _ => &[],
    };
    let fields = Fields::new().text("rejectReasonCode", code).text("rejectReasonDescription", words);
    if details.is_empty() {
        return fields.end();
    }
    let start = world.random.below(details.len() as u64 - 1) as usize;
    let detail = |(code, words): &(&str, &str)| texts(&[("detailsCode", code), ("detailsDescription", words)]);
    if world.random.chance(500) {
        return fields.raw("rejectReasonDetails", &detail(&details[start])).end();
    }
    fields.raw("rejectReasonDetails", &array(&[detail(&details[start]), detail(&details[start + 1])])).end()
}

/// The same as a careless store prints it.
fn python_spelling((code, words): (&str, &str)) -> String {
    format!("{{'rejectReasonCode': '{code}', 'rejectReasonDescription': '{words}', 'rejectReasonDetails': []}}")
}

fn retrieval(name: &'static str, at: i64, body: Fields) -> Event {
    Event::json(Provider::Jumio, Kind::Retrieval, name, at, body.end())
}

fn status(scan: &Scan, word: &str, at: i64) -> Fields {
    Fields::new().text("timestamp", &stamp(at)).text("scanReference", &scan.reference).text("status", word)
}

/// What the retrieval API says about a finished scan: its status, then the whole or one of the parts.
fn retrievals(world: &mut World, scan: &Scan, result: &Result, at: i64) -> Vec<Event> {
    let word = if result.status == "NO_ID_UPLOADED" { "FAILED" } else { "DONE" };
    let event = retrieval("jumio.retrieval.status", at, status(scan, word, at));
    if word == "FAILED" {
        return vec![event.outcome("incomplete")];
    }
    let mut events = vec![event];
    let at = at + 3 * SECOND;
    let (document, transaction) = (document(scan, result), transaction(scan, word));
    let verification = verification(world, result);
    let own = Fields::new().text("timestamp", &stamp(at)).text("scanReference", &scan.reference);
    let (name, body, outcome) = match world.random.below(6) {
        0 => ("jumio.retrieval.document", with(own, &document), Some(document_outcome(result))),
        1 => ("jumio.retrieval.transaction", with(own, &transaction), None),
        2 => ("jumio.retrieval.verification", with(own, &verification), None),
        _ => {
            let whole = own
                .raw("document", &with(Fields::new(), &document).end())
                .raw("transaction", &with(Fields::new(), &transaction).end())
                .raw("verification", &with(Fields::new(), &verification).end());
            ("jumio.retrieval.whole", whole, Some(result.outcome))
        }
    };
    let event = retrieval(name, at, body);
    events.push(if let Some(outcome) = outcome { event.outcome(outcome) } else { event });
    events
}

/// The document part alone shows no face check, so it may claim more than the whole.
fn document_outcome(result: &Result) -> &'static str {
    if result.status == "APPROVED_VERIFIED" { "passed" } else { result.outcome }
}

/// Members of an object: key, value as JSON.
type Members = Vec<(&'static str, String)>;

fn with(fields: Fields, members: &Members) -> Fields {
    members.iter().fold(fields, |fields, (key, json)| fields.raw(key, json))
}

fn document(scan: &Scan, result: &Result) -> Members {
    let mut members = vec![
        ("type", string(scan.document.0)),
        ("issuingCountry", string(scan.document.2)),
        ("status", string(result.status)),
    ];
    if result.status == "APPROVED_VERIFIED" {
        members.push(("firstName", string(scan.person.first)));
        members.push(("lastName", string(scan.person.last)));
        members.push(("dob", string(&scan.person.born)));
        members.push(("number", string(&scan.number)));
    }
    members
}

fn transaction(scan: &Scan, word: &str) -> Members {
    let mut members = vec![
        ("clientIp", string("203.0.113.7")),
        ("customerId", string(&scan.customer)),
        ("date", string(&stamp(scan.at))),
        ("merchantScanReference", string(&scan.merchant_reference)),
        ("source", string(scan.source)),
        ("status", string(word)),
    ];
    members.extend(scan.criteria.map(|criteria| ("merchantReportingCriteria", string(criteria))));
    members
}

fn verification(world: &mut World, result: &Result) -> Members {
    let mrz = if result.status == "APPROVED_VERIFIED" { "\"OK\"" } else { "\"NOT_AVAILABLE\"" };
    let mut members = vec![("mrzCheck", String::from(mrz))];
    if let Some((similarity, valid, reason)) = result.face {
        members.push(("identityVerification", face(world, similarity, valid, reason)));
    }
    if let Some(reason) = result.reason {
        members.push(("rejectReason", reject_reason(world, reason)));
    }
    if world.random.chance(200) {
        let word = world.random.pick(&["POSITIVE_RESULT", "PARTIAL_RESULT", "NEGATIVE_RESULT", "CHECK_NOT_DONE"]);
        members.push(("additionalChecks", format!("{{\"addressValidation\":{{\"searchResults\":\"{word}\"}}}}")));
    }
    members
}
