//! One verification from many records: what the contract names, each with all that must be known of it.
//!
//! Every job here states outcome, country, ID type, first and last time; `-` where nothing of the job says.

use serde_json::{Value, json};

use super::cases::*;

const RECEIPT: &str = "signature=S&timestamp=T&environment=production";

/// Of `outcome country id first last`, the row.
fn row(words: &str) -> String {
    let names = ["outcome", "country", "id", "first", "last"];
    let pairs = names.iter().zip(words.split_whitespace()).map(|(name, word)| format!("{name}={word} "));
    pairs.collect()
}

/// A face result of Biometric KYC, which states no country.
fn face(job: &str, code: &str, time: &str) -> Value {
    callback(job, &format!("1/{code}"), time)
}

/// The ID information of the same job.
fn id_information(job: &str, time: &str) -> Value {
    let body = callback(job, "1/1012/ID Validated", time);
    with(with(body, "Country", json!("Kenya")), "IDType", json!("alien_card"))
}

/// Without the provider's reference.
fn partner_only(mut body: Value, order: &str) -> Value {
    body.as_object_mut().expect("an object").remove("SmileJobID");
    body["PartnerParams"]["job_id"] = json!(order);
    body
}

fn of_order(body: Value, order: &str) -> Value {
    let mut body = body;
    body["PartnerParams"]["job_id"] = json!(order);
    body
}

fn smile_id() -> Vec<Case> {
    let answer = |sent: &str| {
        let query = RECEIPT.replace(['S', 'T'], sent);
        let body = poll(result("0802", "1/1210/Enroll User"), [true, true], sent);
        with(body, "kyc_receipt", receipt("085", "0802", &query))
    };
    let digests = "SELECT COUNT(DISTINCT statement_digest) FROM resolved_observations WHERE job_key = 'smile_id:85:production:0802' AND kind = 'job_status'";
    let history = poll(result("0803", "1/1210"), [true, true], "12:00");
    let listed = json!([result("0803", "1/1210"), result("0803", "1/0814"), id_information("0803", "10:00")]);
    vec![
        case("ID information, a provisional face, then the final one")
            .got(id_information("0801", "10:00"))
            .got(face("0801", "0814", "10:02"))
            .got(face("0801", "1210", "12:30"))
            .job("smile_id:::0801", &row("passed KE ALIEN_CARD 10:00 12:30"))
            .job("smile_id:::0801", "decided=12:30 code=1210 seen=3 payloads=3 final=true"),
        case("a face callback, ID information, and a job_status polled twice")
            .got(face("0802", "1210", "10:05"))
            .got(id_information("0802", "10:00"))
            .got(answer("11:00"))
            .got(answer("11:30"))
            .job("smile_id:85:production:0802", &row("passed KE ALIEN_CARD 10:00 11:30"))
            .job("smile_id:85:production:0802", "decided=10:05 seen=4 payloads=4 receipt=true")
            .ask(digests, "1"),
        case("callbacks, then a job_status that lists them")
            .got(face("0803", "0814", "10:01"))
            .got(id_information("0803", "10:00"))
            .got(with(history, "history", listed))
            .job("smile_id:::0803", &row("passed KE ALIEN_CARD 10:00 12:00"))
            .job("smile_id:::0803", "decided=12:00 code=1210 payloads=3"),
    ]
}

fn partner_references() -> Vec<Case> {
    let asked = json!({"environment": "sandbox"});
    let open = |order: &str, time: &str| {
        json!({"job_complete": false, "job_success": false, "code": "2302", "job_id": order, "result": null,
            "timestamp": at(time), "signature": signature(&format!("{order} {time}"))})
    };
    let links = |order: &str, status: &str| {
        format!(
            "SELECT COUNT(*) FROM resolved_observations WHERE partner_job_id = '{order}' AND link_status = '{status}'"
        )
    };
    let keyless = |time: &str| {
        let mut body = with(callback("0000", "5/1013", time), "Country", json!("ZW"));
        body.as_object_mut().expect("an object").remove("SmileJobID");
        body["PartnerParams"] = json!({"user_id": "u", "job_type": 5});
        body
    };
    vec![
        case("records with a partner job_id, until one has both ids")
            .got(open("o-811", "09:00"))
            .got(partner_only(id_information("0811", "09:30"), "o-811"))
            .got(partner_only(face("0811", "0814", "09:31"), "o-811"))
            .got(of_order(face("0811", "1211", "13:00"), "o-811"))
            .job("smile_id:::0811", &row("failed KE ALIEN_CARD 09:00 13:00"))
            .job("smile_id:::0811", "decided=13:00 code=1211 seen=4 payloads=4")
            .ask(&links("o-811", "linked"), "3"),
        case("one partner job_id in sandbox and production")
            .got(requested(asked.clone(), of_order(id_information("0812", "10:00"), "o-812")))
            .got(with(
                of_order(callback("0813", "5/1013", "11:00"), "o-812"),
                "KYCReceipt",
                receipt("085", "0813", "environment=production"),
            ))
            .got(requested(asked, with(open("o-812", "09:00"), "signature", json!(signature("asked")))))
            .got(open("o-812", "12:00"))
            .job("smile_id::sandbox:0812", &row("pending KE ALIEN_CARD 09:00 10:00"))
            .job("smile_id:85:production:0813", &row("failed NG BVN 11:00 11:00"))
            .ask(&links("o-812", "ambiguous"), "1"),
        case("results without any key stay apart")
            .got(keyless("10:00"))
            .got(keyless("11:00"))
            .ask(
                "SELECT COUNT(*) FROM resolved_observations WHERE country = 'ZW' AND link_status = 'unattributed'",
                "2",
            )
            .ask("SELECT COUNT(*) FROM verifications WHERE country = 'ZW'", "0"),
    ]
}

fn version_3() -> Vec<Case> {
    let body = |status: &str, reason: Value, done: &str| {
        json!({"status": status, "message": "m", "reason": reason, "partner_params": null, "product": "biometric_kyc",
            "kyc_receipt": null, "id_fields": {"country": "GHA", "id_type": "ghana_card"}, "created_at": at("09:58"),
            "completed_at": at(done)})
    };
    let processing = json!({"status": "processing", "message": "m", "job_id": "job_822", "user_id": "user_822",
        "created_at": at("09:58")});
    let clear = body("clear", Value::Null, "10:00");
    vec![
        case("a v3 callback, replayed twice")
            .got(v3("job_821", "10:01", &clear))
            .got(v3("job_821", "10:30", &clear))
            .got(v3("job_821", "15:00", &clear))
            .job("smile_id:::job_821", &row("passed GH GHANA_CARD 10:00 10:00"))
            .job("smile_id:::job_821", "decided=10:00 seen=1 payloads=1"),
        case("v3: asked while processing, then reviewed, then decided and replayed")
            .got(processing)
            .got(v3("job_822", "10:01", &body("attention", json!("news_media_match"), "10:00")))
            .got(v3("job_822", "12:01", &body("block", json!("high_risk"), "12:00")))
            .got(v3("job_822", "18:00", &body("block", json!("high_risk"), "12:00")))
            .job("smile_id:::job_822", &row("failed GH GHANA_CARD 09:58 12:00"))
            .job("smile_id:::job_822", "decided=12:00 code=block error=high_risk seen=3"),
    ]
}

fn advance_ai() -> Vec<Case> {
    let event = |word: &str| json!({"signatureId": "adv-0831", "type": word});
    let asked = |reference: &str, transaction: &str, result: Value, error: Value| {
        with(advance(reference, result, error), "transactionId", json!(transaction))
    };
    let passed = |transaction: &str| asked("adv-0832", transaction, json!("PASS"), json!("SUCCESS"));
    let digests =
        "SELECT COUNT(DISTINCT statement_digest) FROM resolved_observations WHERE job_key = 'advance_ai:::adv-0832'";
    vec![
        case("both callbacks around a result that was open when first asked")
            .got(received("10:00", event("SUBMIT_COMPLETED")))
            .got(received("10:01", asked("adv-0831", "t-1", Value::Null, Value::Null)))
            .got(received("10:02", event("COMPLETED")))
            .got(received("10:03", asked("adv-0831", "t-2", json!("FAIL"), json!("BVN_SUSPEND"))))
            .job("advance_ai:::adv-0831", &row("failed NG BVN 10:00 10:03"))
            .job("advance_ai:::adv-0831", "decided=10:03 error=BVN_SUSPEND seen=4 payloads=4"),
        case("a result asked for again differs in its transaction only")
            .got(received("10:00", passed("t-3")))
            .got(received("11:00", passed("t-4")))
            .job("advance_ai:::adv-0832", &row("passed NG BVN 10:00 11:00"))
            .job("advance_ai:::adv-0832", "decided=10:00 seen=2 payloads=2")
            .ask(digests, "1"),
    ]
}

fn jumio() -> Vec<Case> {
    let (scan, document) = ("5a1b7c9e-0000-4000-8000-000000000841", "5a1b7c9e-0000-4000-8000-000000000842");
    let (login, workflow) = ("5a1b7c9e-0000-4000-8000-000000000843", "5a1b7c9e-0000-4000-8000-000000000844");
    let form = format!(
        "callBackType=NETVERIFYID&jumioIdScanReference={scan}&merchantIdScanReference=order-841&verificationStatus=DENIED_FRAUD&idScanStatus=ERROR&idType=ID_CARD&idCountry=XKX&rejectReason=%7B%22rejectReasonCode%22%3A%22106%22%7D&callbackDate=2026-03-02T10:05:00.0Z"
    );
    let retrieval = |status: &str, sent: &str, more: Value| {
        let mut body = json!({"timestamp": at(sent), "scanReference": scan, "status": status});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let denied = json!({"document": {"type": "ID_CARD", "issuingCountry": "XKX", "status": "DENIED_FRAUD"},
        "transaction": {"status": "DONE", "source": "WEB", "merchantScanReference": "order-841"},
        "verification": {"mrzCheck": "OK", "rejectReason": {"rejectReasonCode": 106}}});
    let beside = json!({"timestamp": at("10:20"), "scanReference": document,
        "document": {"type": "BS", "country": "XKX", "images": [], "status": "EXTRACTED"},
        "transaction": {"status": "FAILED", "source": "DOC_UPLOAD", "merchantScanReference": "order-841"}});
    let authentication = |time: &str| {
        json!({"callBackType": "NETVERIFY_AUTHENTICATION", "transactionReference": login, "transactionResult": "PASSED",
            "enrollmentTransactionReference": scan, "scanSource": "SDK", "callbackDate": at(time)})
    };
    let sent = json!({"callbackSentAt": at("09:50"), "account": {"id": "a"},
        "workflowExecution": {"id": workflow, "href": "https://retrieval.example/w", "status": "ACQUIRED"}});
    let execution = |status: &str, decision: Option<&str>, time: &str| {
        let mut body = json!({"workflow": {"id": workflow, "status": status}, "account": {"id": "a"}, "updatedAt": at(time),
            "capabilities": {"extraction": [{"data": {"issuingCountry": "XKX", "type": "ID_CARD"}}]}});
        if let Some(decision) = decision {
            body["decision"] = json!({"type": decision, "details": {"label": decision}});
        }
        body
    };
    vec![
        case("a scan polled while pending, its callback and its answer, a document beside it")
            .got(retrieval("PENDING", "10:00", json!({})))
            .got(received("10:06", json!(form)))
            .got(retrieval("DONE", "10:10", denied))
            .got(beside)
            .job(&format!("jumio:::{scan}"), &row("failed XK ID_CARD 10:00 10:10"))
            .job(&format!("jumio:::{scan}"), "product=netverify decided=10:05 error=106 seen=3 payloads=3")
            .job(&format!("jumio:::{document}"), &row("incomplete XK BS 10:20 10:20"))
            .job(&format!("jumio:::{document}"), "product=document seen=1"),
        case("an authentication that refers to a scan is a verification of its own")
            .got(authentication("11:00"))
            .got(authentication("11:05"))
            .job(&format!("jumio:::{login}"), &row("passed - - 11:00 11:05"))
            .job(&format!("jumio:::{login}"), "product=authentication seen=2"),
        case("a workflow: acquired, open, then decided")
            .got(sent)
            .got(execution("PROCESSING", None, "09:55"))
            .got(execution("PROCESSED", Some("REJECTED"), "10:00"))
            .job(&format!("jumio:::{workflow}"), &row("failed XK ID_CARD 09:50 10:00"))
            .job(&format!("jumio:::{workflow}"), "product=kyx decided=10:00 seen=3"),
    ]
}

pub fn cases() -> Vec<Case> {
    [smile_id(), partner_references(), version_3(), advance_ai(), jumio()].into_iter().flatten().collect()
}
