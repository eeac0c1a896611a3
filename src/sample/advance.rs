//! Advance.AI: results asked for by `signatureId`, database lookups, callbacks without a verdict, health answers.

use super::clock::{self, HOUR, MINUTE, SECOND};
use super::event::Event;
use super::fields::{Fields, texts};
use super::people::{Person, fill};
use super::world::{Scenario, World};
use crate::record::{Kind, Provider};

/// Everything that happens at Advance.AI.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { weight: 620, make: verification },
    Scenario { weight: 220, make: database_validation },
    Scenario { weight: 60, make: old_result },
    Scenario { weight: 60, make: health },
    Scenario { weight: 25, make: envelope_error },
    Scenario { weight: 15, make: face_comparison },
];

/// One kind of number that a country's database answers for.
struct Market {
    region: &'static str,
    short: &'static str,
    long: &'static str,
    pattern: &'static str,
    /// The same authority at Smile ID, whose outages it shares.
    authority: Option<(&'static str, &'static str)>,
}

const MARKETS: [(u32, Market); 6] = [
    (40, Market { region: "NGA", short: "BVN", long: "NG_BVN", pattern: "00*******#", authority: Some(("NG", "BVN")) }),
    (
        25,
        Market {
            region: "NGA",
            short: "NIN",
            long: "NG_NIN",
            pattern: "00*******#",
            authority: Some(("NG", "NIN_V2")),
        },
    ),
    (15, Market { region: "IDN", short: "NIK", long: "ID_NIK", pattern: "00************##", authority: None }),
    (8, Market { region: "BRA", short: "CPF", long: "BR_CPF", pattern: "000.***.***-##", authority: None }),
    (
        6,
        Market {
            region: "ZAF",
            short: "SAID",
            long: "ZA_SAID",
            pattern: "00*********##",
            authority: Some(("ZA", "NATIONAL_ID")),
        },
    ),
    (6, Market { region: "ARG", short: "DNI", long: "AR_DNI", pattern: "00****##", authority: None }),
];

/// A verdict: overall result, error code, outcome.
type Verdict = (&'static str, &'static str, &'static str);

const VERDICTS: [(u32, Verdict); 20] = [
    (720, ("PASS", "SUCCESS", "passed")),
    (22, ("FAIL", "BVN_NOT_EXIST", "failed")),
    (14, ("FAIL", "BVN_SUSPEND", "failed")),
    (20, ("FAIL", "NUMBER_NOT_EXIST", "failed")),
    (30, ("FAIL", "NAME_NOT_MATCH", "failed")),
    (22, ("FAIL", "LIVENESS_ATTACK", "failed")),
    (26, ("FAIL", "SIMILARITY_FAILED", "failed")),
    (8, ("FAIL", "INVALID_FORMAT", "error")),
    (5, ("FAIL", "CAN_NOT_VERIFY", "unavailable")),
    (8, ("FAIL", "FACE_QUALITY_TOO_POOR", "failed")),
    (9, ("FAIL", "RISK_STRATEGY_HIT", "failed")),
    (6, ("FAIL", "AGE_VERIFICATION_FAILED", "failed")),
    (6, ("FAIL", "INFO_ABNORMAL", "failed")),
    (4, ("FAIL", "NUMBER_DECEASED", "failed")),
    (4, ("FAIL", "NUMBER_BLOCKED", "failed")),
    (8, ("INCOMPLETE", "BVN_INVALID_FORMAT", "error")),
    (6, ("INCOMPLETE", "PARAMETER_ERROR", "error")),
    (48, ("INCOMPLETE", "USER_TIMEOUT", "incomplete")),
    (5, ("INCOMPLETE", "ERROR", "error")),
    (14, ("INCOMPLETE", "RETRY_COUNT_REACH_MAX", "incomplete")),
];

const DATABASE: [(u32, Verdict); 6] = [
    (800, ("PASS", "", "passed")),
    (100, ("FAIL", "NUMBER_NOT_EXIST", "failed")),
    (40, ("FAIL", "BVN_SUSPEND", "failed")),
    (25, ("FAIL", "INFO_ABNORMAL", "failed")),
    (25, ("FAIL", "INVALID_FORMAT", "error")),
    (10, ("FAIL", "ERROR", "error")),
];

const CAN_NOT_VERIFY: Verdict = ("FAIL", "CAN_NOT_VERIFY", "unavailable");

fn plain(kind: Kind, name: &'static str, at: i64, body: String) -> Event {
    Event::json(Provider::AdvanceAi, kind, name, at, body)
}

/// The envelope that all answers share.
fn answer(world: &mut World, data: &str) -> String {
    let fields = Fields::new().text("code", "SUCCESS").text("message", "OK").raw("data", data);
    let fields = if world.random.chance(300) { fields.raw("extra", "null") } else { fields };
    let fields = if world.random.chance(800) { fields.text("pricingStrategy", "FREE") } else { fields };
    fields.text("transactionId", &world.random.hex(16)).end()
}

fn is_down(world: &World, market: &Market, at: i64) -> bool {
    let authority = market.authority.and_then(|(country, id_type)| clock::find(country, id_type));
    authority.is_some_and(|authority| world.clock.down_until(authority, at).is_some())
}

/// A verification in the browser: perhaps asked about too early, perhaps announced by a callback, then its result.
fn verification(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let market = world.random.weighted(&MARKETS);
    let signature = world.random.hex(16);
    let mut events = Vec::new();
    if world.random.chance(180) {
        let data = result_data(world, &signature, market, None);
        events.push(plain(Kind::GetResult, "advance.no_result_yet", at, answer(world, &data)).outcome("pending"));
    }
    let done = at + world.random.between(40 * SECOND, 12 * MINUTE);
    let verdict = if is_down(world, market, at) && world.random.chance(850) {
        CAN_NOT_VERIFY
    } else {
        *world.random.weighted(&VERDICTS)
    };
    if verdict.0 != "INCOMPLETE" && world.random.chance(250) {
        let word = if world.random.chance(200) { "SUBMIT_COMPLETED" } else { "COMPLETED" };
        let body = texts(&[("signatureId", &signature), ("type", word)]);
        events.push(plain(Kind::Callback, "advance.callback", done, body));
    }
    let data = result_data(world, &signature, market, Some(verdict));
    let body = answer(world, &data);
    events.push(plain(Kind::GetResult, "advance.get_result", done + 2 * SECOND, body).outcome(verdict.2));
    if world.random.chance(60) {
        let again = answer(world, &data);
        events.push(plain(Kind::GetResult, "advance.get_result", done + HOUR, again).outcome(verdict.2));
    }
    events
}

fn result_data(world: &mut World, signature: &str, market: &Market, verdict: Option<Verdict>) -> String {
    let fields = Fields::new().text("signatureId", signature);
    let parameters = texts(&[("region", market.region), ("numberType", market.short)]);
    let Some((result, code, _)) = verdict else {
        return fields
            .raw("overallResult", "null")
            .raw("submissionCompleted", "false")
            .raw("idvResult", "null")
            .raw("errorCode", "null")
            .raw("docDatabaseDetail", "null")
            .raw("inputParameters", &parameters)
            .text("countryCodeIso3", market.region)
            .end();
    };
    let fields = fields
        .text("overallResult", result)
        .raw("submissionCompleted", if result == "INCOMPLETE" { "false" } else { "true" })
        .text("idvResult", result)
        .text("errorCode", code);
    let found = result == "PASS" || matches!(code, "NAME_NOT_MATCH" | "LIVENESS_ATTACK" | "SIMILARITY_FAILED");
    let fields = fields
        .raw("docDatabaseDetail", &if found { detail(world, market, "MALE", true) } else { String::from("null") });
    let fields = match (result, code) {
        ("PASS", _) => fields.raw("faceDetail", &face_detail(world, "PASS", true)),
        (_, "LIVENESS_ATTACK") => fields.raw("faceDetail", &face_detail(world, "FAIL", false)),
        (_, "SIMILARITY_FAILED" | "FACE_QUALITY_TOO_POOR") => {
            fields.raw("faceDetail", &face_detail(world, "FAIL", true))
        }
        ("INCOMPLETE", _) => fields,
        _ => fields.raw("faceDetail", "null"),
    };
    fields.raw("inputParameters", &parameters).text("countryCodeIso3", market.region).end()
}

fn face_detail(world: &mut World, result: &str, alive: bool) -> String {
    let liveness = if alive { world.random.between(60, 100) } else { world.random.between(0, 30) };
    let similarity = if result == "PASS" { world.random.between(75, 99) } else { world.random.between(5, 60) };
    let attack = if alive { "null" } else { world.random.pick(&["1", "2", "3"]) };
    Fields::new()
        .text("faceResult", result)
        .raw("faceLivenessScore", &liveness.to_string())
        .raw("faceSimilarityScore", &similarity.to_string())
        .raw("livenessAttackType", attack)
        .end()
}

/// What the database holds, masked as the provider masks it; the two products spell sex and dates differently.
fn detail(world: &mut World, market: &Market, male: &str, slashes: bool) -> String {
    let person = Person::invent(&mut world.random);
    let mask = |name: &str| format!("{}****{}", &name[..1], &name[name.len() - 1..].to_uppercase());
    let number = fill(&mut world.random, market.pattern);
    let born = match (slashes, world.random.chance(200)) {
        (true, true) => format!("{}/**/**", &person.born[..4]),
        (true, false) => person.born.replace('-', "/"),
        (false, _) => person.born.clone(),
    };
    let fields = Fields::new();
    let fields = match market.long {
        "NG_BVN" => fields.text("bvn", &number),
        "NG_NIN" => fields.text("nin", &number),
        _ => fields,
    };
    let kind = texts(&[("numberType", market.long), ("region", market.region)]);
    fields
        .text("numberValue", &number)
        .raw("numberTypeInfo", &kind)
        .text("firstName", &mask(person.first))
        .text("middleName", &mask(person.other))
        .text("lastName", &mask(person.last))
        .text("gender", male)
        .text("birthday", &born)
        .text("phoneNumber", "080******00")
        .text("phoneNumber2", "")
        .end()
}

/// A lookup without a face: Nigeria only; a pass has an empty error code, and nothing but the request's id names it.
fn database_validation(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let market = &MARKETS[usize::from(world.random.chance(400))].1;
    let (result, code, outcome) = if is_down(world, market, at) && world.random.chance(850) {
        ("FAIL", "ERROR", "error")
    } else {
        *world.random.weighted(&DATABASE)
    };
    let found = if result == "PASS" { detail(world, market, "Male", false) } else { String::from("null") };
    let data =
        Fields::new().text("overallResult", result).text("errorCode", code).raw("docDatabaseDetail", &found).end();
    vec![plain(Kind::GetResult, "advance.database_validation", at, answer(world, &data)).outcome(outcome)]
}

/// An answer from before `overallResult` existed.
fn old_result(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let market = world.random.weighted(&MARKETS);
    let (result, code, outcome) = *world.random.weighted(&VERDICTS);
    let fields =
        Fields::new().text("signatureId", &world.random.hex(16)).text("idvResult", result).text("errorCode", code);
    let fields = fields.raw("docDatabaseDetail", "null").text("countryCodeIso3", market.region);
    let fields = fields.raw("inputParameters", &texts(&[("region", market.region), ("numberType", market.short)]));
    vec![plain(Kind::GetResult, "advance.idv_result_only", at, answer(world, &fields.end())).outcome(outcome)]
}

/// The declared health of one database.
fn health(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let market = world.random.weighted(&MARKETS);
    let word = match (is_down(world, market, at), world.random.chance(30)) {
        (true, _) => "unhealthy",
        (false, true) => "unstable",
        _ => "health",
    };
    let data = texts(&[("numberType", market.long), ("status", word)]);
    vec![plain(Kind::HealthStatus, "advance.health_status", at, answer(world, &data))]
}

/// Answers that got no further than the envelope.
fn envelope_error(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let (code, message) =
        world.random.pick(&[("SIGNATURE_NOT_EXIST", "This signatureId is not exist"), ("ERROR", "Server error")]);
    let body = Fields::new()
        .text("code", code)
        .text("message", message)
        .raw("data", "null")
        .text("transactionId", &world.random.hex(16))
        .end();
    vec![plain(Kind::ErrorResponse, "advance.error", at, body)]
}

/// The older face comparison: similarity only, and failures are billed.
fn face_comparison(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let (kind, fields) = if world.random.chance(700) {
        let face = "{\"id\":\"1\",\"left\":310.0,\"top\":120.0,\"right\":420.0,\"bottom\":260.0}";
        let data = Fields::new()
            .raw("similarity", &format!("{}.0", world.random.between(20, 99)))
            .raw("firstFace", face)
            .raw("secondFace", face);
        let fields = Fields::new().text("code", "SUCCESS").text("message", "OK");
        (Kind::OtherNoVerdict, fields.raw("data", &data.end()))
    } else {
        let fields = Fields::new()
            .text("code", "NO_FACE_DETECTED_FROM_FIRST_IMAGE")
            .text("message", "No Face detected from the uploaded first picture");
        (Kind::ErrorResponse, fields.raw("data", "null"))
    };
    let body =
        fields.raw("extra", "null").text("transactionId", &world.random.hex(16)).text("pricingStrategy", "PAY").end();
    vec![plain(kind, "advance.face_comparison", at, body)]
}
