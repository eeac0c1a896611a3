use super::*;
use crate::envelope::Envelope;
use proptest::prelude::*;

fn json(text: &str) -> Decoded {
    let object = Object::parse(text).unwrap();
    assert!(super::super::sniff(&object), "{text}");
    super::super::decode(&object, &Envelope::default())
}

fn only(decoded: &Decoded) -> &Statement {
    assert_eq!(decoded.statements.len(), 1);
    &decoded.statements[0]
}

fn codes(decoded: &Decoded) -> (Option<&str>, Option<&str>) {
    let statement = only(decoded);
    (statement.result_code.as_deref(), statement.error_code.as_deref())
}

fn value<'a>(checks: &'a [StatedCheck], name: &str) -> Option<&'a str> {
    checks.iter().find(|check| check.name == name).and_then(|check| check.value.as_deref())
}

#[test]
fn workflow_callbacks_state_the_workflow_and_no_decision() {
    let decoded = json(
        r#"{"callbackSentAt":"2022-01-02T03:04:05.006Z","workflowExecution":{"id":"w-1","href":"https://x.jumio.ai/w-1","definitionKey":"2",
        "status":"SESSION_EXPIRED"},"account":{"id":"acc-1","href":"https://x.jumio.ai/acc-1"}}"#,
    );
    assert_eq!((decoded.kind, codes(&decoded)), (Kind::KyxCallback, (Some("SESSION_EXPIRED"), None)));
    let s = only(&decoded);
    assert_eq!((s.product, s.provider_job_id.as_deref()), (Some(Product::Kyx), Some("w-1")));
    assert_eq!(s.stated_at.map(|t| t.rfc3339()).as_deref(), Some("2022-01-02T03:04:05.006Z"));
}

const WORKFLOW: &str = r#"{"workflow":{"id":"…","status":"PROCESSED","userReference":"user-42","customerInternalReference":"order-42"},
    "startedAt":"2022-01-02T03:00:00.000Z","completedAt":"2022-01-02T03:04:05.006Z",
    "decision":{"type":"REJECTED","details":{"label":"POSSIBLE_FRAUD"},"risk":{"score":77}},
    "capabilities":{"extraction":[{"decision":{"type":"PASSED","details":{"label":"OK"}},"data":{"type":"id_card","issuingCountry":"KEN",
    "firstName":"Wanjiru","documentNumber":"00000001","dateOfBirth":"1990-01-01","address":{"line1":"1 Made Up Road","country":"KEN"}}}],
    "similarity":[{"data":{"similarity":"NO_MATCH"},"decision":{"type":"REJECTED","details":{"label":"NO_MATCH"}}}],
    "usability":[{"decision":{"type":"WARNING"}}]},"credentials":[{"category":"ID","decision":{"label":"FAIL"}}]}"#;

#[test]
fn workflow_retrieval_gives_the_decision_its_label_and_its_risk() {
    let decoded = json(WORKFLOW);
    let s = only(&decoded);
    assert_eq!((decoded.kind, codes(&decoded)), (Kind::KyxRetrieval, (Some("REJECTED"), Some("POSSIBLE_FRAUD"))));
    assert_eq!((s.risk_score, s.provider_job_id.as_deref()), (Some(77.0), None));
    assert_eq!((s.partner_job_id.as_deref(), s.user_id.as_deref()), (Some("order-42"), Some("user-42")));
    assert_eq!((s.country.as_deref(), s.id_type.as_deref()), (Some("KE"), Some("ID_CARD")));
    assert_eq!(s.stated_at.map(|t| t.rfc3339()).as_deref(), Some("2022-01-02T03:04:05.006Z"));
    assert!(s.requested_at.is_some());
    assert_eq!(value(&decoded.checks, "similarity"), Some("NO_MATCH"));
    assert_eq!(value(&decoded.checks, "usability"), Some("WARNING"));
    assert_eq!(value(&decoded.checks, "credential.ID"), Some("FAIL"));
    assert_eq!(decoded.personal, ["user-42", "Wanjiru", "00000001", "1990-01-01", "1 Made Up Road"]);
}

#[test]
fn a_label_that_says_no_more_is_no_error_and_an_uncomputed_risk_is_none() {
    let decoded = json(
        r#"{"workflow":{"id":"w"},"decision":{"type":"PASSED","details":{"label":"PASSED"},"risk":{"score":-1}}}"#,
    );
    assert_eq!((codes(&decoded), only(&decoded).risk_score), ((Some("PASSED"), None), None));
    let decoded = json(
        r#"{"workflowExecution":{"id":"w","status":"PROCESSED"},"account":{"id":"a"},"services":[{"name":"x","result":{"decision":"PASS"}}]}"#,
    );
    assert_eq!((codes(&decoded), decoded.kind), ((Some("PROCESSED"), None), Kind::KyxRetrieval));
    assert_eq!(value(&decoded.checks, "service.x"), Some("PASS"));
}

proptest! {
    #[test]
    fn no_word_anywhere_makes_it_panic(word in "\\PC{1,20}") {
        let word = serde_json::to_string(&word).unwrap();
        for old in ["\"REJECTED\"", "\"POSSIBLE_FRAUD\"", "77", "\"KEN\"", "\"1990-01-01\"", "\"ID\""] {
            let text = WORKFLOW.replace(old, &word);
            let _ = super::super::decode(&Object::parse(&text).unwrap(), &Envelope::default());
        }
    }
}
