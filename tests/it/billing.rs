//! An invoice with planted mistakes is set against payloads with planted charges, and every mistake is found.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{folder, kycmart_in, report};

fn line(received: &str, body: Value) -> String {
    json!({"received_at": format!("{received}T09:00:00Z"), "request": {}, "body": body}).to_string() + "\n"
}

/// An answer of Advance.AI.
fn advance(day: &str, job: u32, pricing: &str) -> String {
    let data = json!({"signatureId": format!("adv-{job:08}"), "overallResult": "PASS", "errorCode": "SUCCESS",
        "countryCodeIso3": "NGA", "submissionCompleted": true});
    let id = format!("{job:016x}");
    line(
        day,
        json!({"code": "SUCCESS", "message": "OK", "data": data, "transactionId": id, "pricingStrategy": pricing}),
    )
}

/// An answer of Smile ID to an Enhanced KYC job.
fn smile(day: &str, job: u32, code: &str) -> String {
    let parameters = json!({"job_id": format!("order-{job}"), "user_id": "u", "job_type": "5"});
    let body = json!({"SmileJobID": format!("{job:010}"), "ResultCode": code, "PartnerParams": parameters,
        "timestamp": format!("{day}T08:00:00Z")});
    line(day, body)
}

fn jumio(day: &str, job: u32) -> String {
    line(
        day,
        json!({"callBackType": "NETVERIFYID", "callbackDate": format!("{day}T08:00:00Z"),
        "jumioIdScanReference": format!("00000000-0000-4000-8000-{job:012}"), "verificationStatus": "APPROVED_VERIFIED",
        "idScanStatus": "SUCCESS", "idType": "PASSPORT", "idCountry": "GBR"}),
    )
}

/// September: Advance.AI 5 charged and 2 not known, Smile ID 3 not charged and 5 not known, Jumio 2 not known.
/// October: Advance.AI 3 charged, Smile ID 2 not known.
fn payloads() -> String {
    let mut text = String::new();
    (1..=3).for_each(|job| text += &advance("2026-09-03", job, "PAY"));
    // Charged once is charged, whatever the other answers of the job state.
    text += &(advance("2026-09-04", 4, "PAY") + &advance("2026-09-05", 4, "FREE"));
    text += &(advance("2026-09-04", 5, "FREE") + &advance("2026-09-05", 5, "PAY"));
    (6..=7).for_each(|job| text += &advance("2026-09-06", job, "FREE"));
    text += &advance("2026-09-06", 7, "FREE");
    (11..=13).for_each(|job| text += &advance("2026-10-03", job, "PAY"));
    (1..=3).for_each(|job| text += &smile("2026-09-03", job, "1023"));
    (4..=7).for_each(|job| text += &smile("2026-09-03", job, "1020"));
    // Not charged for the first answer; nobody knows of the second.
    text += &(smile("2026-09-03", 8, "1023") + &smile("2026-09-04", 8, "1020"));
    (9..=10).for_each(|job| text += &smile("2026-10-03", job, "1020"));
    text + &jumio("2026-09-03", 1) + &jumio("2026-09-04", 2)
}

const INVOICE: &str = "\u{feff}Vendor;Billing period;Service;Qty;Total\r\n\
    Advance.AI;2026-08;;4;\r\n\
    Advance.AI;2026-09;IDV;5;10,50\r\n\
    Advance.AI;2026-09-30;IDV;3;\"1.000,00\"\r\n\
    Advance.AI;2026-10;;1;\r\n\
    Smile ID;2026-09;;5;\r\n\
    Jumio;2026-09;document;3;\r\n";

fn compared(home: &Path, more: &[&str]) -> Vec<String> {
    let arguments = ["report", "--mart", "mart", "--out", "out", "--format", "csv"];
    kycmart_in(home, &[&arguments, more].concat()).expect(0);
    let columns = [
        "provider",
        "product",
        "local_month",
        "invoiced",
        "billable_min",
        "billable_max",
        "difference",
        "verdict",
        "amount",
    ];
    let rows = report(&home.join("out"), "billing_invoice");
    rows.iter().map(|row| columns.map(|name| row[name].as_str()).join("|")).collect()
}

#[test]
fn every_mistake_that_was_planted_in_an_invoice_is_found() {
    let home = folder();
    let home = home.path();
    fs::write(home.join("in.ndjson"), payloads()).unwrap();
    fs::write(home.join("invoice.csv"), INVOICE).unwrap();
    kycmart_in(home, &["ingest", "in.ndjson", "--mart", "mart"]).expect(0);
    assert_eq!(
        compared(home, &["--invoice", "invoice.csv"]),
        [
            "advance_ai|idv|2026-09|8|5|7|1|over|1010.5",
            "advance_ai||2026-08|4|0|0|4|not_seen|",
            "advance_ai||2026-10|1|3|3|-2|under|",
            "jumio|document|2026-09|3|0|0|3|not_seen|",
            "jumio|netverify|2026-09||0|2|0|not_invoiced|",
            "smile_id||2026-09|5|0|5|0|agrees|",
        ]
    );
    let cut = compared(home, &["--invoice", "invoice.csv", "--from", "2026-09-02"]);
    assert!(cut.contains(&"smile_id||2026-09|5|0|5||outside_range|".to_owned()), "{cut:?}");
    assert!(cut.contains(&"advance_ai||2026-10|1|3|3|-2|under|".to_owned()), "{cut:?}");
    assert!(compared(home, &[]).is_empty(), "without an invoice nothing is compared");
    let run = fs::read_to_string(home.join("out/latest/run.json")).unwrap();
    assert!(run.contains("\"invoice\": null"), "{run}");
}

#[test]
fn a_figure_leads_to_the_rule_it_rests_on() {
    let home = folder();
    let home = home.path();
    fs::write(home.join("in.ndjson"), payloads()).unwrap();
    kycmart_in(home, &["nightly", "in.ndjson", "--mart", "mart", "--out", "out", "--format", "csv"]).expect(0);
    let rows = report(&home.join("out"), "billing_codes");
    let of = |month: &str, billing: &str, code: &str| {
        let row =
            rows.iter().find(|r| r["local_month"] == month && r["billing"] == billing && r["answer_code"] == code);
        let row = row.unwrap_or_else(|| panic!("no {month} {billing} {code} in {rows:?}"));
        ["basis", "rule", "rule_source", "verifications"].map(|name| row[name].clone())
    };
    assert_eq!(
        of("2026-09", "not_billable", "1023"),
        ["catalogue", "no record found; not charged", "PROVIDERS 1.3", "3"]
    );
    assert_eq!(of("2026-09", "not_known", "1020"), ["none", "", "", "5"]);
    assert_eq!(
        of("2026-09", "billable", "PASS"),
        ["pricing_strategy", "the answer stated pricingStrategy PAY", "the payload", "5"]
    );
}

#[test]
fn an_invoice_that_cannot_be_read_ends_the_night_before_it_begins() {
    let home = folder();
    let home = home.path();
    fs::write(home.join("in.ndjson"), payloads()).unwrap();
    fs::write(home.join("bad.csv"), "provider,month,quantity\njumio,2026-09,2\nTotal,2026-09,2\n").unwrap();
    let night = ["nightly", "in.ndjson", "--mart", "mart", "--out", "out", "--invoice"];
    let run = kycmart_in(home, &[&night[..], &["bad.csv"]].concat()).expect(2);
    assert!(run.err.contains("bad.csv: line 3: \"Total\" is no provider"), "{}", run.err);
    assert!(run.err.contains("hint: write one of smile_id, advance_ai, jumio"), "{}", run.err);
    assert!(!home.join("mart").exists() && !home.join("out").exists(), "nothing was begun");
    kycmart_in(home, &[&night[..], &["none.csv"]].concat()).expect(2);
}
