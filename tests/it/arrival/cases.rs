//! Payloads in the wire shapes of PROVIDERS.md, all persons invented, and what must be known when they have arrived.

use serde_json::{Value, json};

/// Some stored payloads, and what must be known when all have arrived.
pub struct Case {
    pub name: &'static str,
    pub payloads: Vec<String>,
    /// Job key, and `word=value` of its row of `verifications`.
    pub jobs: Vec<(String, String)>,
    /// SELECT of one value, and the value.
    pub asks: Vec<(String, String)>,
}

pub fn case(name: &'static str) -> Case {
    Case { name, payloads: Vec::new(), jobs: Vec::new(), asks: Vec::new() }
}

impl Case {
    pub fn got(mut self, payload: impl ToString) -> Self {
        self.payloads.push(payload.to_string());
        self
    }

    pub fn job(mut self, key: &str, words: &str) -> Self {
        self.jobs.push((key.to_owned(), words.to_owned()));
        self
    }

    pub fn ask(mut self, select: &str, value: &str) -> Self {
        self.asks.push((select.to_owned(), value.to_owned()));
        self
    }
}

// ---- payloads -------------------------------------------------------------------------------------------------------

/// The time of day on which most cases play.
pub fn at(time: &str) -> String {
    format!("2026-03-02T{time}:00.000Z")
}

/// A v1 result: `job_type/code/text`, each of which may be missing.
pub fn result(job: &str, said: &str) -> Value {
    let mut parts = said.split('/');
    let mut params = json!({"job_id": format!("order-{job}"), "user_id": format!("user-{job}")});
    if let Some(job_type) = parts.next().and_then(|t| t.parse::<u8>().ok()) {
        params["job_type"] = json!(job_type);
    }
    let mut result = json!({"SmileJobID": job, "PartnerParams": params});
    for (name, value) in ["ResultCode", "ResultText"].iter().zip(parts) {
        result[name] = json!(value);
    }
    if result["ResultCode"].as_str().is_some_and(|code| code.starts_with("10")) {
        result["Country"] = json!("NG");
        result["IDType"] = json!("BVN");
    }
    result
}

pub fn callback(job: &str, said: &str, time: &str) -> Value {
    let mut body = result(job, said);
    body["timestamp"] = json!(at(time));
    body["signature"] = json!(signature(time));
    body
}

/// What only its form makes a signature; another for each text.
pub fn signature(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(blake3::hash(text.as_bytes()).as_bytes())
}

/// A job_status answer; `[job_complete, job_success]`.
pub fn poll(result: Value, [complete, success]: [bool; 2], time: &str) -> Value {
    json!({"timestamp": at(time), "signature": signature(&format!("poll {time}")), "job_complete": complete,
        "job_success": success, "result": result, "code": "2302"})
}

pub fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

pub fn receipt(partner: &str, job: &str, query: &str) -> Value {
    json!(format!("https://portal.smileidentity.com/api/v3/{partner}/job_result_summary/{job}/generate_pdf?{query}"))
}

/// A body with the time at which its store received it.
pub fn received(time: &str, body: Value) -> Value {
    json!({"received_at": at(time), "body": body})
}

pub fn requested(request: Value, body: Value) -> Value {
    json!({"request": request, "body": body})
}

pub fn v3(job: &str, sent: &str, body: &Value) -> Value {
    json!({"headers": {"Job-ID": job, "Response-Timestamp": at(sent)}, "body": body})
}

/// The published job_status answer of seed 000, its person replaced; two jobs share one partner job_id.
fn seed_000(first: &str, second: &str, order: &str) -> Value {
    let params = json!({"job_id": order, "user_id": "1511bf02-801a-4b57-ac8e-ef17e26bfeb4", "job_type": "1"});
    let said = |code: &str, text: &str| json!({"ResultCode": code, "ResultText": text, "SmileJobID": first, "PartnerParams": params});
    let id = with(with(said("1012", "ID Validated"), "Country", json!("Nigeria")), "IDType", json!("BVN"));
    json!({"timestamp": "2018-03-13T21:04:11.193Z",
        "signature": "5445722f5af1791eb434949cce9a88dd321e5959fd24a8562ecb12bb00c33fe",
        "job_complete": true, "job_success": true, "code": "2302",
        "result": {"ResultText": "Enroll User", "SmileJobID": second, "ConfidenceValue": "100",
            "PartnerParams": {"job_id": order, "user_id": "e54e0e98-8b8c-4215-89f5-7f9ea42bf650", "job_type": 4}},
        "image_links": {"selfie_image": format!("https://smile-fr-results.s3.us-west-2.amazonaws.com/test/000000/023/023-{second}-LoRSpxJU/SID_Preview_FULL.jpg")},
        "history": [said("1210", "Enroll User"), said("0814", "Provisional Enroll - Under Review"),
            with(id, "FullName", json!("Zuri Okafor"))]})
}

pub fn advance(reference: &str, result: Value, error: Value) -> Value {
    json!({"code": "SUCCESS", "message": "OK", "transactionId": format!("t-{reference}"), "pricingStrategy": "FREE",
        "data": {"signatureId": reference, "overallResult": result, "errorCode": error, "countryCodeIso3": "NGA",
            "inputParameters": {"region": "NGA", "numberType": "BVN"}, "docDatabaseDetail": null, "faceDetail": null}})
}

// ---- cases ----------------------------------------------------------------------------------------------------------

/// Cases of one Smile ID job each: name, reference, payloads as `time said`, `time poll said` or `- said`, and its row.
const ONE_JOB: &[(&str, &str, &[&str], &str)] = &[
    (
        "1012 with 0811",
        "0101",
        &["10:00 1/1012/ID Validated", "10:05 1/0811"],
        "outcome=failed code=0811 country=NG id=BVN product=biometric_kyc first=10:00 last=10:05 decided=10:05 seen=2 \
         payloads=2 final=true half=face",
    ),
    (
        "0811 before its 1012",
        "0102",
        &["09:00 1/0811", "10:00 1/1012/ID Validated"],
        "outcome=failed code=0811 first=09:00 last=10:00 decided=09:00",
    ),
    (
        "1012 alone in Biometric KYC",
        "0103",
        &["10:00 1/1012"],
        "outcome=pending code=1012 first=10:00 decided=- final=false seen=1 half=id",
    ),
    (
        "1012 alone in Enhanced KYC",
        "0104",
        &["10:00 5/1012/ID Validated"],
        "outcome=passed code=1012 product=enhanced_kyc decided=10:00 final=true",
    ),
    (
        "1012 then 0810",
        "0105",
        &["10:00 1/1012/ID Validated", "10:07 1/0810/Enroll User"],
        "outcome=passed code=0810 country=NG id=BVN first=10:00 decided=10:07",
    ),
    (
        "1013 with 0810",
        "0106",
        &["10:00 1/1013/Invalid ID", "10:05 1/0810"],
        "outcome=failed code=1013 decided=10:00 last=10:05 half=id",
    ),
    (
        "1013 after 0810",
        "0107",
        &["10:00 1/0810", "10:05 1/1013"],
        "outcome=failed code=1013 decided=10:05 first=10:00",
    ),
    ("1013 with 0811", "0110", &["10:00 1/1013", "10:05 1/0811"], "outcome=failed code=0811 decided=10:05"),
    ("1015 alone in Biometric KYC", "0108", &["10:00 1/1015"], "outcome=unavailable code=1015 decided=- final=false"),
    (
        "1015, then 1012, then 1210",
        "0109",
        &["10:00 1/1015", "11:00 1/1012", "12:00 1/1210"],
        "outcome=passed code=1210 first=10:00 last=12:00 decided=12:00 human=true lookup_signal=unavailable",
    ),
    (
        "0814 then 1210",
        "0201",
        &["10:00 1/0814", "13:00 1/1210/Enroll User"],
        "outcome=passed code=1210 first=10:00 decided=13:00 last=13:00",
    ),
    (
        "a person supersedes the machine's failure",
        "0202",
        &["10:00 1/0811", "12:00 1/1210"],
        "outcome=passed code=1210 decided=12:00 human=true",
    ),
    (
        "a person supersedes the machine's pass",
        "0203",
        &["10:00 1/0810", "12:00 1/1211"],
        "outcome=failed code=1211 decided=12:00",
    ),
    (
        "a person supersedes a later machine",
        "0204",
        &["12:00 1/1211", "15:00 1/0810", "09:00 1/1012"],
        "outcome=failed code=1211 decided=12:00 last=15:00",
    ),
    (
        "0820 then 1222 in authentication",
        "0205",
        &["10:00 2/0820", "11:00 2/1222"],
        "outcome=failed code=1222 product=smartselfie_authentication decided=11:00",
    ),
    ("of two people the later", "0206", &["10:00 1/1210", "11:00 1/1212"], "outcome=failed code=1212 decided=11:00"),
    ("of two machines the later", "0207", &["10:00 4/0841", "11:00 4/0840"], "outcome=passed code=0840 decided=11:00"),
    ("at one instant a failure", "0208", &["10:00 4/0841", "10:00 4/0840"], "outcome=failed code=0841 decided=10:00"),
    (
        "a pass stays, whatever is polled later",
        "0209",
        &["10:00 5/1012", "11:00 5/1015", "12:00 5/1016", "13:00 poll 5"],
        "outcome=passed code=1012 first=10:00 last=13:00 decided=10:00 seen=4 payloads=4",
    ),
    (
        "a failure stays, whatever is polled later",
        "0210",
        &["10:00 5/1013", "11:00 5/1015", "12:00 poll 5"],
        "outcome=failed code=1013 decided=10:00",
    ),
    (
        "product from another payload: 0812 in Document Verification",
        "0211",
        &["10:00 /0812", "09:00 poll 6"],
        "outcome=failed code=0812 product=document_verification first=09:00 decided=10:00",
    ),
    (
        "product from another payload: 0812 in Biometric KYC",
        "0212",
        &["10:00 /0812/Pure Provisional", "09:00 poll 1"],
        "outcome=review code=0812 product=biometric_kyc first=09:00 decided=-",
    ),
    (
        "undated beside dated",
        "0304",
        &["- 5/1013", "10:00 5/1012"],
        "outcome=passed first=10:00 last=10:00 decided=10:00 seen=2",
    ),
];

fn one_job() -> Vec<Case> {
    let of = |(name, job, payloads, words): &(&'static str, &str, &[&str], &str)| {
        let all = payloads.iter().fold(case(name), |case, payload| case.got(said(job, payload)));
        all.job(&format!("smile_id:::{job}"), words)
    };
    ONE_JOB.iter().map(of).collect()
}

fn said(job: &str, payload: &str) -> Value {
    let (time, what) = payload.split_once(' ').expect("a time and what is said");
    match what.strip_prefix("poll ") {
        Some(what) => poll(result(job, what), [false, false], time),
        None if time == "-" => result(job, what),
        None => callback(job, what, time),
    }
}

fn histories_and_times() -> Vec<Case> {
    let undated = result("0302", "5/1012");
    let answer = |sent: &str| {
        let query = format!("signature=s{sent}&timestamp={sent}&environment=production");
        let body = poll(result("0301", "5/1012/ID Validated"), [true, true], sent);
        with(body, "kyc_receipt", receipt("085", "0301", &query))
    };
    let digests = "SELECT COUNT(DISTINCT statement_digest) FROM resolved_observations WHERE job_key = 'smile_id:85:production:0301' AND kind = 'job_status'";
    let undated_day = "SELECT COUNT(*) FROM verification_days WHERE job_key = 'smile_id:::0303' AND local_date IS NULL";
    let (first, second) = ("0000000857", "0000001897");
    vec![
        case("a callback, a poll and the same poll again").got(callback("0301", "5/1012/ID Validated", "10:00"))
            .got(answer("11:00")).got(answer("12:00"))
            .job("smile_id:85:production:0301", "outcome=passed first=10:00 last=12:00 decided=10:00 seen=3 payloads=3 receipt=true")
            .ask(digests, "1"),
        case("one payload delivered three times").got(received("12:00", undated.clone())).got(received("09:00", undated.clone()))
            .got(received("10:00", undated)).job("smile_id:::0302", "outcome=passed first=09:00 last=09:00 decided=09:00 seen=1 payloads=1"),
        case("a payload without any time").got(result("0303", "5/1012"))
            .job("smile_id:::0303", "outcome=passed first=- last=- decided=- seen=1").ask(undated_day, "1"),
        case("seed 000 alone").got(seed_000(first, second, "52d0de86-be3b-4219-9e96-8195b0018944"))
            .job("smile_id:23:sandbox:0000000857", "outcome=passed code=1210 country=NG id=BVN product=biometric_kyc first=2018-03-13T21:04:11.193Z decided=- seen=3 payloads=1 receipt=false")
            .job("smile_id:23:sandbox:0000001897", "outcome=passed product=smartselfie_registration first=2018-03-13T21:04:11.193Z decided=2018-03-13T21:04:11.193Z seen=1 payloads=1"),
        case("a history entry sets no day where another observation exists").got(seed_000("0957", "1997", "62d0"))
            .got(callback("0957", "1/0814", "10:00"))
            .got(json!({"job_complete": false, "job_success": false, "code": "2302", "job_id": "62d0", "result": null, "timestamp": at("11:00"), "signature": signature("62d0")}))
            .job("smile_id:23:sandbox:0957", "outcome=passed code=1210 first=10:00 last=10:00 decided=- seen=4 payloads=2")
            .job("smile_id:23:sandbox:1997", "outcome=passed seen=1")
            .ask("SELECT COUNT(*) FROM resolved_observations WHERE partner_job_id = '62d0' AND link_status = 'ambiguous'", "1"),
        case("the entry named first is the newest").got(with(poll(result("0306", "4/0842"), [true, true], "10:00"), "history",
                json!([result("0305", "4/0840"), result("0305", "4/0841")])))
            .job("smile_id:::0305", "outcome=passed code=0840 first=10:00 decided=- seen=2 payloads=1")
.job("smile_id:::0306", "outcome=review seen=1"),
    ]
}

fn attribution() -> Vec<Case> {
    let only = |order: &str, time: &str| {
        json!({"job_complete": false, "job_success": false, "code": "2302", "job_id": order, "result": null,
            "timestamp": at(time), "signature": signature(order)})
    };
    let of_order = |job: &str, order: &str, time: &str| {
        with(callback(job, "5/1012", time), "PartnerParams", json!({"job_id": order, "user_id": "u", "job_type": 5}))
    };
    let of_account = |job: &str, code: &str, time: &str, partner: &str, query: &str| {
        with(callback(job, code, time), "KYCReceipt", receipt(partner, job, query))
    };
    let links = |order: &str| {
        format!(
            "SELECT string_agg(link_status, ' ' ORDER BY link_status) FROM resolved_observations WHERE partner_job_id = '{order}'"
        )
    };
    let production = json!({"url": "https://api.smileidentity.com/v1/id_verification", "partner_id": "085"});
    let nameless = json!({"job_complete": false, "job_success": false, "code": "2302", "timestamp": at("10:00"),
        "signature": signature("nameless"), "result": "No zip uploaded yet"});
    vec![
        case("a partner job_id that two jobs state")
            .got(of_order("0401", "o-401", "10:00"))
            .got(of_order("0402", "o-401", "11:00"))
            .got(only("o-401", "12:00"))
            .job("smile_id:::0401", "outcome=passed seen=1")
            .job("smile_id:::0402", "outcome=passed seen=1")
            .ask(&links("o-401"), "ambiguous own own"),
        case("a partner job_id that one job states")
            .got(of_order("0403", "o-403", "10:00"))
            .got(only("o-403", "09:00"))
            .job("smile_id:::0403", "outcome=passed first=09:00 decided=10:00 seen=2 payloads=2")
            .ask(&links("o-403"), "linked own"),
        case("a partner job_id that no job states").got(only("o-404", "09:00")).ask(&links("o-404"), "ambiguous"),
        case("an answer that names nothing").got(nameless).ask(
            "SELECT COUNT(*) FROM resolved_observations WHERE link_status = 'unattributed' AND country IS NULL",
            "1",
        ),
        case("one SmileJobID in both environments")
            .got(of_account("0405", "5/1013", "10:00", "085", "environment=test"))
            .got(requested(production, callback("0405", "5/1012", "11:00")))
            .got(callback("0405", "5/1015", "12:00"))
            .job("smile_id:85:sandbox:0405", "outcome=failed first=10:00 env=sandbox seen=1")
            .job("smile_id:85:production:0405", "outcome=passed first=11:00 env=production seen=1")
            .job("smile_id:85::0405", "outcome=unavailable env=- partner=85")
            .ask("SELECT COUNT(*) FROM verification_days WHERE job_key LIKE '%:sandbox:0405'", "0")
            .ask("SELECT COUNT(*) FROM verification_days WHERE job_key LIKE '%:production:0405'", "1"),
        case("one SmileJobID of two partners")
            .got(of_account("0406", "5/1013", "10:00", "077", "x=1"))
            .got(of_account("0406", "5/1012", "11:00", "085", "x=1"))
            .job("smile_id:77::0406", "outcome=failed partner=77 seen=1")
            .job("smile_id:85::0406", "outcome=passed partner=85 seen=1"),
        case("the environment is known from another payload's receipt")
            .got(callback("0407", "1/1012", "10:00"))
            .got(of_account("0407", "1/0810", "11:00", "085", "environment=test"))
            .job("smile_id:85:sandbox:0407", "outcome=passed code=0810 first=10:00 decided=11:00 seen=2"),
        case("one body stored bare and with its request")
            .got(callback("0408", "/1012", "10:00"))
            .got(requested(
                json!({"job_type": 5, "url": "https://x.example/v1/async_id_verification"}),
                callback("0408", "/1012", "10:00"),
            ))
            .job("smile_id:::0408", "outcome=passed product=enhanced_kyc channel=async first=10:00"),
    ]
}

fn beside_jobs() -> Vec<Case> {
    let clear = json!({"status": "clear", "message": "Verification successful", "reason": null, "partner_params": null,
        "product": "document_verification", "kyc_receipt": null, "id_fields": {"country": "GH"},
        "created_at": at("09:59"), "completed_at": at("10:00")});
    let untimed = json!({"status": "block", "message": "Verification failed", "reason": null, "product": "document_verification", "id_fields": {}});
    let online = json!({"last_checked": at("10:10"), "last_check_status": "success", "last_hour_success_rate": "95%",
        "last_known_status": "online", "last_check_success_rate": "96%"});
    let status = |id_type: &str, time: &str| json!({"received_at": at(time), "request": {"country": "KE", "id_type": id_type}, "body": online});
    let refusal = |code: &str| json!({"error": "refused", "code": code});
    let answers = |code: &str| format!("SELECT COUNT(DISTINCT payload_key) FROM submissions WHERE code = '{code}'");
    vec![
        case("equal v3 bodies for two Job-IDs")
            .got(v3("job_501", "10:01", &clear))
            .got(v3("job_502", "10:01", &clear))
            .got(v3("job_501", "11:00", &clear))
            .job(
                "smile_id:::job_501",
                "outcome=passed first=10:00 product=document_verification country=GH decided=10:00",
            )
            .job("smile_id:::job_502", "outcome=passed first=10:00 seen=1"),
        case("a v3 callback without times, sent again")
            .got(v3("job_503", "10:00", &untimed))
            .got(v3("job_503", "12:00", &untimed))
            .job("smile_id:::job_503", "outcome=failed code=block first=10:00 decided=10:00"),
        case("equal id_status bodies for two ID types")
            .got(status("KRA_PIN", "10:11"))
            .got(status("ALIEN_CARD", "10:11"))
            .got(status("KRA_PIN", "10:15"))
            .ask("SELECT COUNT(*) FROM authority_status WHERE country = 'KE'", "2")
            .ask("SELECT COUNT(DISTINCT id_type) FROM authority_declarations WHERE country = 'KE'", "2"),
        case("equal refusals received at two times")
            .got(received("10:00", refusal("2215")))
            .got(received("10:05", refusal("2215")))
            .got(received("10:00", refusal("2215")))
            .ask(&answers("2215"), "2"),
        case("equal refusals without a time").got(refusal("2204")).got(refusal("2204")).ask(&answers("2204"), "2"),
    ]
}

fn other_providers() -> Vec<Case> {
    let scan = "5a1b7c9e-0000-4000-8000-000000000601";
    let form = format!(
        "callBackType=NETVERIFYID&jumioIdScanReference={scan}&verificationStatus=APPROVED_VERIFIED&idScanStatus=SUCCESS&idType=PASSPORT&idCountry=NGA&callbackDate=2026-03-02T10:00:00.000Z"
    );
    let retrieval = json!({"timestamp": at("10:30"), "scanReference": scan, "transaction": {"status": "DONE", "source": "WEB"},
        "document": {"type": "PASSPORT", "issuingCountry": "NGA", "status": "APPROVED_VERIFIED"},
        "verification": {"mrzCheck": "OK", "identityVerification": {"similarity": "NO_MATCH", "validity": true}}});
    let part = json!({"timestamp": at("11:00"), "scanReference": scan, "type": "PASSPORT", "issuingCountry": "NGA", "status": "APPROVED_VERIFIED"});
    let workflow = "5a1b7c9e-0000-4000-8000-000000000602";
    let sent = |status: &str, time: &str| {
        let execution =
            json!({"id": workflow, "href": "https://retrieval.example/w", "definitionKey": "10011", "status": status});
        json!({"callbackSentAt": at(time), "workflowExecution": execution, "account": {"id": "a", "href": "https://retrieval.example/a"}})
    };
    let decision = json!({"workflow": {"id": workflow, "status": "PROCESSED", "definitionKey": "10011"}, "account": {"id": "a"},
        "createdAt": at("09:50"), "completedAt": at("10:01"),
        "decision": {"type": "PASSED", "details": {"label": "OK"}, "risk": {"score": 12.0}},
        "capabilities": {"extraction": [{"id": "e", "data": {"issuingCountry": "NGA", "type": "PASSPORT"}}]}});
    let (asked, open) = ("adv-0603", "adv-0604");
    let pending = received("10:00", advance(open, Value::Null, Value::Null));
    vec![
        case("Jumio: approved, then the faces differ, then a part that knows no face").got(received("10:01", json!(form)))
            .got(retrieval).got(part).job(&format!("jumio:::{scan}"),
            "outcome=failed code=APPROVED_VERIFIED error=NO_MATCH country=NG id=PASSPORT product=netverify first=10:00 last=11:00 decided=10:30 seen=3"),
        case("KYX: callbacks around a decision").got(sent("ACQUIRED", "09:55")).got(sent("PROCESSED", "10:02")).got(decision)
            .job(&format!("jumio:::{workflow}"), "outcome=passed code=PASSED product=kyx first=09:55 last=10:02 decided=10:01 seen=3"),
        case("Advance.AI: a callback, then the result").got(received("10:00", json!({"signatureId": asked, "type": "COMPLETED"})))
            .got(received("10:03", advance(asked, json!("PASS"), json!("SUCCESS"))))
            .job(&format!("advance_ai:::{asked}"), "outcome=passed code=PASS country=NG id=BVN product=idv first=10:00 decided=10:03 seen=2"),
        case("Advance.AI: no result yet, then a final one, then the first again").got(pending.clone())
            .got(received("10:09", advance(open, json!("FAIL"), json!("NAME_NOT_MATCH"))))
            .got(with(pending, "received_at", json!(at("11:00"))))
            .job(&format!("advance_ai:::{open}"), "outcome=failed code=FAIL error=NAME_NOT_MATCH first=10:00 last=10:09 decided=10:09 seen=2 payloads=2"),
    ]
}

pub fn cases() -> Vec<Case> {
    [one_job(), histories_and_times(), attribution(), beside_jobs(), other_providers()].into_iter().flatten().collect()
}
