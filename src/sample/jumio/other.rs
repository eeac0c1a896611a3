//! Jumio beside Netverify: documents, authentication, the platform (KYX), image lists.

use super::super::clock::{MINUTE, SECOND, stamp};
use super::super::event::Event;
use super::super::fields::{Fields, array, string, texts};
use super::super::world::World;
use super::{Scan, event, fields, retrieval};
use crate::record::{Kind, Provider};

/// An uploaded document; its status tells how far extraction came and is no verdict.
pub fn document(world: &mut World) -> Vec<Event> {
    let scan = Scan::new(world);
    let failed = world.random.chance(150);
    let at = scan.at + world.random.between(MINUTE, 9 * MINUTE);
    let transaction = Fields::new()
        .text("customerId", &scan.customer)
        .text("date", &stamp(scan.at))
        .text("merchantScanReference", &scan.merchant_reference)
        .optional("merchantReportingCriteria", scan.criteria)
        .text("source", world.random.pick(&["DOC_UPLOAD", "DOC_API", "DOC_SDK"]))
        .text("status", if failed { "FAILED" } else { "DONE" });
    let as_form = world.random.chance(900);
    let mut body = fields(as_form).text("timestamp", &stamp(at)).text("scanReference", &scan.reference);
    if !failed {
        body = body.raw("document", &extracted(world, &scan));
    }
    let body = body.raw("transaction", &transaction.end());
    let event = event(world, Kind::DocumentCallback, "jumio.document", at, body, as_form);
    vec![if failed { event.outcome("incomplete") } else { event }]
}

fn extracted(world: &mut World, scan: &Scan) -> String {
    let status = *world.random.weighted(&[(50, "UPLOADED"), (35, "EXTRACTED"), (15, "DISCARDED")]);
    let page = format!("https://retrieval.netverify.example/api/netverify/v2/documents/{}/pages/1", scan.reference);
    let fields = Fields::new()
        .text("type", world.random.pick(&["UB", "BS", "CC", "SSC"]))
        .text("country", scan.document.2)
        .raw("images", &array(&[string(&page)]))
        .text("status", status);
    if status != "EXTRACTED" {
        return fields.end();
    }
    let name = format!("{} {}", scan.person.first, scan.person.last);
    fields.raw("extractedData", &texts(&[("name", &name), ("issueDate", "2026-09-01")])).end()
}

/// A returning user's face against the one enrolled.
pub fn authentication(world: &mut World) -> Vec<Event> {
    let scan = Scan::new(world);
    let (word, outcome) = *world.random.weighted(&[
        (780, ("PASSED", "passed")),
        (120, ("FAILED", "failed")),
        (50, ("INVALID", "failed")),
        (50, ("EXPIRED", "incomplete")),
    ]);
    let enrolled = world.random.uuid();
    let body = fields(true)
        .text("callBackType", "NETVERIFY_AUTHENTICATION")
        .text("transactionReference", &scan.reference)
        .text("enrollmentTransactionReference", &enrolled)
        .text("transactionResult", word)
        .text("transactionDate", &stamp(scan.at))
        .text("callbackDate", &stamp(scan.at + 8 * SECOND))
        .text("scanSource", world.random.pick(&["SDK", "WEB"]))
        .text("userReference", &scan.customer);
    let at = scan.at + 8 * SECOND;
    vec![event(world, Kind::AuthenticationCallback, "jumio.authentication", at, body, true).outcome(outcome)]
}

/// The platform: callbacks that name a workflow and its progress but no decision, which is read afterwards.
pub fn platform(world: &mut World) -> Vec<Event> {
    let at = world.start();
    let (account, workflow) = (world.random.uuid(), world.random.uuid());
    let ended = *world.random.weighted(&[(88, "PROCESSED"), (9, "SESSION_EXPIRED"), (3, "TOKEN_EXPIRED")]);
    let mut events = Vec::new();
    if world.random.chance(400) {
        let word = world.random.pick(&["INITIATED", "ACQUISITION_STARTED", "ACQUIRED", "PROCESSING"]);
        events.push(platform_callback(world, at, &account, &workflow, word));
    }
    let done = at + world.random.between(MINUTE, 15 * MINUTE);
    events.push(platform_callback(world, done, &account, &workflow, ended));
    if ended == "PROCESSED" && world.random.chance(900) {
        events.push(platform_answer(world, done + 5 * SECOND, &account, &workflow));
    }
    events
}

fn platform_callback(world: &mut World, at: i64, account: &str, workflow: &str, status: &str) -> Event {
    let base = format!("https://retrieval.apac-1.jumio.ai/api/v1/accounts/{account}");
    let execution = texts(&[
        ("id", workflow),
        ("href", &format!("{base}/workflow-executions/{workflow}")),
        ("definitionKey", "10013"),
        ("status", status),
    ]);
    let body = Fields::new()
        .text("callbackSentAt", &stamp(at))
        .raw("workflowExecution", &execution)
        .raw("account", &texts(&[("id", account), ("href", &base)]));
    let outcome = if status.ends_with("EXPIRED") { "incomplete" } else { "pending" };
    event(world, Kind::KyxCallback, "jumio.kyx_callback", at, body, false).outcome(outcome)
}

fn platform_answer(world: &mut World, at: i64, account: &str, workflow: &str) -> Event {
    let (word, score, outcome) = *world.random.weighted(&[
        (80, ("PASSED", "12", "passed")),
        (10, ("REJECTED", "93", "failed")),
        (6, ("WARNING", "57", "review")),
        (4, ("NOT_EXECUTED", "-1", "error")),
    ]);
    let decision = Fields::new()
        .text("type", word)
        .raw("details", &texts(&[("label", if word == "PASSED" { "PASSED" } else { "TECHNICAL_CHECKS" })]))
        .raw("risk", &format!("{{\"score\":{score}}}"));
    let similarity = if word == "REJECTED" { "NO_MATCH" } else { "MATCH" };
    let extraction =
        texts(&[("type", "PASSPORT"), ("issuingCountry", "NGA"), ("firstName", "Amina"), ("lastName", "Notreal")]);
    let capabilities = Fields::new()
        .raw("extraction", &format!("[{{\"data\":{extraction}}}]"))
        .raw("similarity", &format!("[{{\"data\":{{\"similarity\":\"{similarity}\"}}}}]"))
        .raw("liveness", "[{\"decision\":{\"details\":{\"label\":\"OK\"}}}]");
    let body = Fields::new()
        .raw("workflow", &texts(&[("id", workflow), ("status", "PROCESSED"), ("definitionKey", "10013")]))
        .raw("account", &texts(&[("id", account)]))
        .text("completedAt", &stamp(at - 4 * SECOND))
        .raw("decision", &decision.end())
        .raw("capabilities", &capabilities.end())
        .raw("credentials", "[]");
    Event::json(Provider::Jumio, Kind::KyxRetrieval, "jumio.kyx_retrieval", at, body.end()).outcome(outcome)
}

/// A list of images: nothing about a verdict.
pub fn image_list(world: &mut World) -> Vec<Event> {
    let scan = Scan::new(world);
    let link = format!("https://netverify.example/api/netverify/v2/scans/{}/images/front", scan.reference);
    let image = texts(&[("classifier", "front"), ("href", &link)]);
    let images = if world.random.chance(500) { array(&[image]) } else { image };
    let body =
        Fields::new().text("timestamp", &stamp(scan.at)).raw("images", &images).text("scanReference", &scan.reference);
    vec![retrieval("jumio.image_list", scan.at, body)]
}
