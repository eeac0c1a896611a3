//! What the catalogue must hold and how it is found.

use proptest::prelude::*;

use super::*;
use crate::record::Product::*;
use crate::record::Provider::{AdvanceAi, Jumio, SmileId};

/// The outcome of a statement, `-` where the row states none, `unknown` where there is no row.
fn outcome(provider: Provider, product: Option<Product>, code: &str, error: &str, text: &str) -> String {
    let found = Catalogue::builtin().resolve(provider, product, some(code), some(error), some(text));
    found.map_or("unknown", |e| e.outcome.as_deref().unwrap_or("-")).to_string()
}

fn some(cell: &str) -> Option<&str> {
    Some(cell).filter(|c| !c.is_empty())
}

fn smile(product: Option<Product>, code: &str) -> String {
    outcome(SmileId, product, code, "", "")
}

#[test]
fn invented_codes_stay_unknown() {
    for code in ["0000", "0913", "0914", "0915", "1011", "1", "9999", "CLEAR"] {
        assert_eq!(smile(None, code), "unknown", "{code}");
        assert_eq!(smile(Some(BiometricKyc), code), "unknown", "{code}");
        assert!(!Catalogue::builtin().knows_code(SmileId, code));
    }
    assert_eq!(outcome(AdvanceAi, None, "FAIL", "SOMETHING_NEW", ""), "unknown");
    assert_eq!(outcome(AdvanceAi, None, "", "SOMETHING_NEW", ""), "unknown");
    assert_eq!(outcome(Jumio, Some(Netverify), "DENIED_SOMETHING", "", ""), "unknown");
    assert_eq!(outcome(Jumio, Some(Netverify), "", "999", ""), "unknown");
    assert_eq!(outcome(Jumio, None, "0810", "", ""), "unknown", "another provider's code");
}

#[test]
fn files_are_sorted_and_canonical() {
    for (origin, text) in BUILTIN {
        let rows = parse(text, origin).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(Catalogue::from_rows(rows).csv(), text, "{origin} is not sorted or not written plainly");
    }
}

#[test]
fn rows_are_consistent() {
    for entry in Catalogue::builtin().entries() {
        let decisive = matches!(entry.outcome.as_deref(), Some("passed" | "failed"));
        assert_eq!(entry.is_final, decisive, "{entry:?}");
        assert!(!entry.meaning.is_empty() && !entry.source.is_empty(), "{entry:?}");
        assert_ne!(entry.code, "*", "would hide unknown codes: {entry:?}");
        let stored = entry.text == "*" || fold_text(&entry.text) == entry.text.to_lowercase();
        assert!(stored, "SQL compares stored texts in lower case: {entry:?}");
        assert!(entry.provider == SmileId || entry.half == "whole", "{entry:?}");
        let authority_down = entry.authority_signal.as_deref() == Some("unavailable");
        assert!(!authority_down || entry.outcome.as_deref() == Some("unavailable"), "{entry:?}");
    }
}

#[test]
fn one_displayed_form_per_text() {
    let mut forms: HashMap<(Provider, String), &str> = HashMap::new();
    for entry in Catalogue::builtin().entries() {
        let form = forms.entry((entry.provider, fold_text(&entry.text))).or_insert(&entry.text);
        assert_eq!(*form, entry.text);
    }
}

#[test]
fn smile_outcomes_of_the_definition() {
    let passed = ["1012", "1020", "1021", "0810", "1210", "1220", "1031", "0820", "0840", "1240"];
    let failed =
        ["1013", "1022", "0811", "0911", "1030", "0813", "0907", "1023", "1211", "1222", "1242", "0821", "0843"];
    let review = ["0814", "0822", "0842", "0824", "0825", "0844", "0846", "1017"];
    for (codes, word) in [(&passed[..], "passed"), (&failed[..], "failed"), (&review[..], "review")] {
        for code in codes {
            assert_eq!(smile(None, code), word, "{code}");
        }
    }
    assert_eq!(smile(Some(EnhancedKyc), "1015"), "unavailable");
    assert_eq!(smile(Some(BiometricKyc), "0908"), "unavailable");
    assert_eq!(smile(Some(EnhancedKyc), "1014"), "error");
    assert_eq!(smile(Some(BiometricKyc), "1016"), "error");
    assert_eq!(smile(None, "0903"), "error");
    assert_eq!(smile(Some(Aml), "1023"), "failed");
    assert_eq!(smile(None, "2302"), "-");
    assert_eq!(smile(None, "2202"), "-");
    assert_eq!(smile(None, "2314"), "incomplete");
    assert_eq!(smile(None, "2201"), "error");
    assert_eq!(smile(None, "2211"), "failed");
    assert_eq!(smile(None, "2212"), "error");
}

#[test]
fn code_0812_means_what_its_product_or_text_says() {
    let refused = "Unable to Verify Document - Failed Security Features Check";
    assert_eq!(smile(Some(BiometricKyc), "0812"), "review");
    assert_eq!(smile(Some(DocumentVerification), "0812"), "failed");
    assert_eq!(smile(Some(EnhancedDocumentVerification), "0812"), "failed");
    assert_eq!(smile(None, "0812"), "unknown");
    assert_eq!(outcome(SmileId, None, "0812", "", refused), "failed");
    assert_eq!(outcome(SmileId, None, "0812", "", "machine judgement -  PURE provisional"), "review");
    assert_eq!(outcome(SmileId, Some(DocumentVerification), "0812", "", "a text nobody knows"), "failed");
    assert_eq!(smile(Some(DocumentVerification), "0816"), "failed");
    assert_eq!(smile(None, "0816"), "unknown");
}

#[test]
fn code_0001_means_what_its_text_says() {
    assert_eq!(outcome(SmileId, None, "0001", "", "Data Invalid"), "error");
    assert_eq!(outcome(SmileId, None, "0001", "", "ID Authority image not available"), "error");
    assert_eq!(outcome(SmileId, None, "0001", "", "Selfie image unusable"), "failed");
    assert_eq!(outcome(SmileId, Some(DocumentVerification), "0001", "", "ID Card image unusable"), "failed");
    assert_eq!(smile(Some(SmartselfieAuthentication), "0001"), "error");
}

#[test]
fn halves_of_a_job() {
    let half = |product, code| {
        let found = Catalogue::builtin().resolve(SmileId, product, Some(code), None, None);
        found.map_or("", |e| e.half.as_str())
    };
    assert_eq!(half(Some(BiometricKyc), "1012"), "id");
    assert_eq!(half(Some(BiometricKyc), "0810"), "face");
    assert_eq!(half(Some(BiometricKyc), "1210"), "face");
    assert_eq!(half(Some(BiometricKyc), "0908"), "id");
    assert_eq!(half(Some(BiometricKyc), "1021"), "id");
    assert_eq!(half(Some(EnhancedDocumentVerification), "1013"), "id");
    assert_eq!(half(Some(EnhancedDocumentVerification), "0810"), "face");
    assert_eq!(half(Some(EnhancedKyc), "1012"), "whole");
    assert_eq!(half(Some(BusinessVerification), "1012"), "whole");
    assert_eq!(half(Some(DocumentVerification), "0810"), "whole");
    assert_eq!(half(Some(SmartselfieAuthentication), "0820"), "whole");
    assert_eq!(half(Some(BiometricKyc), "clear"), "whole");
    assert_eq!(half(None, "1012"), "id");
    assert_eq!(half(None, "1210"), "face");
    assert_eq!(half(None, "1020"), "whole", "only Basic KYC has it");
}

#[test]
fn human_judgement_is_marked() {
    let is_human = |code, text| {
        let found = Catalogue::builtin().resolve(SmileId, Some(DocumentVerification), Some(code), None, some(text));
        found.is_some_and(|e| e.is_human)
    };
    assert!(is_human("1210", ""));
    assert!(is_human("0810", "Document Verified After Human Review"));
    assert!(!is_human("0810", "Document Verified"));
}

#[test]
fn texts_without_a_code() {
    assert_eq!(outcome(SmileId, None, "", "", "Enroll User"), "passed");
    assert_eq!(outcome(SmileId, Some(SmartselfieRegistration), "", "", " enroll   user. "), "passed");
    assert_eq!(outcome(SmileId, None, "", "", "No zip uploaded yet"), "incomplete");
    assert_eq!(outcome(SmileId, None, "", "", "No zip file received"), "incomplete");
    assert_eq!(outcome(SmileId, None, "", "", "Zip file failed"), "error");
    assert_eq!(outcome(SmileId, None, "7777", "", "Enroll User"), "passed", "a known text beside an unknown code");
    assert_eq!(outcome(SmileId, None, "0811", "", "Enroll User"), "failed", "a known code decides");
    assert_eq!(outcome(SmileId, None, "", "", "something else"), "unknown");
    assert_eq!(outcome(SmileId, None, "", "", "*"), "unknown");
    assert_eq!(outcome(SmileId, None, "", "", ""), "unknown");
}

#[test]
fn smile_v3_statuses() {
    let v3 = |product, status, reason| outcome(SmileId, product, status, reason, "");
    for product in Product::ALL.iter().copied().map(Some).chain([None]) {
        assert_eq!(v3(product, "clear", ""), "passed");
        assert_eq!(v3(product, "block", "some_new_reason"), "failed");
        assert_eq!(v3(product, "attention", "information_outdated"), "review");
        assert_eq!(v3(product, "error", "internal_error"), "error");
        assert_eq!(v3(product, "error", ""), "error");
        assert_eq!(v3(product, "error", "service_unavailable"), "unavailable");
        assert_eq!(outcome(SmileId, product, "error", "", "Error: external service unavailable."), "unavailable");
        assert_eq!(v3(product, "processing", ""), "pending");
        assert_eq!(v3(product, "pending", ""), "pending");
    }
    assert_eq!(v3(None, "complete", ""), "-");
    assert_eq!(v3(None, "Payment Required", ""), "unknown", "a refusal, never a verdict");
    assert_eq!(outcome(SmileId, None, "clear", "", "Verification result"), "passed");
}

#[test]
fn authority_signals() {
    let signal = |provider, product, code, error| {
        let found = Catalogue::builtin().resolve(provider, product, some(code), some(error), None);
        found.and_then(|e| e.authority_signal.clone()).unwrap_or_default()
    };
    for (code, word) in [("1012", "answered"), ("1013", "answered"), ("1015", "unavailable"), ("0908", "unavailable")] {
        assert_eq!(signal(SmileId, Some(BiometricKyc), code, ""), word);
        assert_eq!(signal(SmileId, Some(EnhancedKyc), code, ""), word);
    }
    assert_eq!(signal(SmileId, Some(BiometricKyc), "1016", ""), "not_asked");
    assert_eq!(signal(SmileId, Some(BiometricKyc), "0811", ""), "");
    assert_eq!(signal(SmileId, Some(DocumentVerification), "0810", ""), "not_asked");
    assert_eq!(signal(SmileId, Some(Aml), "1030", ""), "");
    assert_eq!(signal(SmileId, Some(EnhancedKyc), "clear", ""), "answered");
    assert_eq!(signal(SmileId, Some(EnhancedKyc), "error", "service_unavailable"), "unavailable");
    assert_eq!(signal(SmileId, Some(DocumentVerification), "error", "service_unavailable"), "not_asked");
    assert_eq!(signal(SmileId, None, "clear", ""), "");
    assert_eq!(signal(AdvanceAi, Some(Idv), "FAIL", "NUMBER_NOT_EXIST"), "answered");
    assert_eq!(signal(AdvanceAi, Some(Idv), "FAIL", "CAN_NOT_VERIFY"), "ambiguous");
    assert_eq!(signal(AdvanceAi, Some(Idv), "INCOMPLETE", "USER_TIMEOUT"), "not_asked");
    assert_eq!(signal(AdvanceAi, Some(Idv), "FAIL", "LIVENESS_ATTACK"), "");
    assert_eq!(signal(Jumio, Some(Netverify), "APPROVED_VERIFIED", ""), "not_asked");
}

#[test]
fn advance_ai_outcomes() {
    let advance = |result, error| outcome(AdvanceAi, Some(Idv), result, error, "");
    assert_eq!(advance("PASS", "SUCCESS"), "passed");
    assert_eq!(advance("PASS", ""), "passed");
    assert_eq!(advance("FAIL", ""), "failed");
    for error in ["NAME_NOT_MATCH", "BVN_SUSPEND", "RISK_STRATEGY_HIT", "NUMBER_DECEASED", "LIVENESS_ATTACK"] {
        assert_eq!(advance("FAIL", error), "failed");
        assert_eq!(outcome(AdvanceAi, Some(DatabaseValidation), "", error, ""), "failed");
    }
    for error in ["USER_TIMEOUT", "RETRY_COUNT_REACH_MAX"] {
        assert_eq!(advance("INCOMPLETE", error), "incomplete");
    }
    for error in ["BVN_INVALID_FORMAT", "PARAMETER_ERROR", "ERROR"] {
        assert_eq!(advance("INCOMPLETE", error), "error");
    }
    assert_eq!(advance("FAIL", "INVALID_FORMAT"), "error");
    assert_eq!(advance("FAIL", "CAN_NOT_VERIFY"), "unavailable");
    assert_eq!(advance("INCOMPLETE", ""), "incomplete");
    assert_eq!(advance("", ""), "pending");
    assert_eq!(advance("SUBMIT_COMPLETED", ""), "pending");
    assert_eq!(advance("SIGNATURE_NOT_EXIST", ""), "unknown", "an answer of the call, never a verdict");
}

#[test]
fn jumio_outcomes() {
    let jumio = |product, status, reason| outcome(Jumio, Some(product), status, reason, "");
    assert_eq!(jumio(Netverify, "APPROVED_VERIFIED", ""), "passed");
    assert_eq!(jumio(Netverify, "APPROVED_VERIFIED", "201"), "passed", "contradictory, as published");
    for reason in ["NO_MATCH", "NOT_POSSIBLE", "VALIDITY_FALSE", "LIVENESS_FAILED", "SOMETHING_NEW"] {
        assert_eq!(jumio(Netverify, "APPROVED_VERIFIED", reason), "failed");
    }
    for status in
        ["DENIED_FRAUD", "DENIED_UNSUPPORTED_ID_TYPE", "DENIED_UNSUPPORTED_ID_COUNTRY", "ERROR_NOT_READABLE_ID"]
    {
        assert_eq!(jumio(Netverify, status, ""), "failed");
        assert_eq!(jumio(Netverify, status, "999"), "failed");
    }
    assert_eq!(jumio(Netverify, "NO_ID_UPLOADED", ""), "incomplete");
    assert_eq!(jumio(Netverify, "PENDING", ""), "pending");
    assert_eq!(jumio(Netverify, "FAILED", ""), "incomplete");
    assert_eq!(jumio(Netverify, "FAILED", "100"), "failed");
    assert_eq!(jumio(Netverify, "", "201"), "failed");
    assert_eq!(jumio(Netverify, "", "NO_MATCH"), "failed");
    assert_eq!(jumio(Netverify, "DONE", ""), "-");
    assert_eq!(jumio(Document, "FAILED", ""), "incomplete");
    assert_eq!(jumio(Document, "PENDING", ""), "pending");
    for status in ["UPLOADED", "EXTRACTED", "DISCARDED"] {
        assert_eq!(jumio(Document, status, ""), "-");
    }
    assert_eq!(jumio(Authentication, "PASSED", ""), "passed");
    assert_eq!(jumio(Authentication, "FAILED", ""), "failed");
    assert_eq!(jumio(Authentication, "EXPIRED", ""), "incomplete");
    assert_eq!(jumio(Kyx, "PASSED", ""), "passed");
    assert_eq!(jumio(Kyx, "WARNING", ""), "review");
    assert_eq!(jumio(Kyx, "REJECTED", ""), "failed");
    assert_eq!(jumio(Kyx, "NOT_EXECUTED", ""), "error");
    assert_eq!(jumio(Kyx, "PROCESSED", ""), "pending");
    assert_eq!(jumio(Kyx, "TOKEN_EXPIRED", ""), "incomplete");
}

#[test]
fn pseudo_products_never_speak_for_an_observation() {
    let catalogue = Catalogue::builtin();
    for product in Product::ALL.iter().copied().map(Some).chain([None]) {
        for entry in catalogue.entries() {
            let found = catalogue.resolve(
                entry.provider,
                product,
                some(&entry.code),
                some(&entry.error_code),
                some(&entry.text),
            );
            assert!(found.is_none_or(|f| !PSEUDO_PRODUCTS.contains(&f.product.as_str())), "{entry:?}");
        }
    }
}

#[test]
fn refusals_are_not_billed() {
    let billed = |product: &str, code: &str| {
        let entry =
            Catalogue::builtin().entries().iter().find(|e| e.product == product && e.code == code && e.text == "*");
        entry.and_then(|e| e.billable.clone())
    };
    assert_eq!(billed("*", "1023").as_deref(), Some("no"));
    assert_eq!(billed("submission", "2215").as_deref(), Some("no"));
    assert_eq!(billed("submission", "408").as_deref(), Some("no"));
    assert_eq!(billed("query", "NO_FACE_DETECTED_FROM_FIRST_IMAGE").as_deref(), Some("yes"));
    assert_eq!(billed("*", "1012"), None);
}

#[test]
fn folding() {
    assert_eq!(fold_text("  Enroll\t User. "), "enroll user");
    assert_eq!(fold_text("Enroll User. Human Judgement - PASS"), "enroll user. human judgement - pass");
    assert_eq!(fold_text("."), "");
    assert_eq!(Catalogue::builtin().known_text(SmileId, "ENROLL  USER"), Some("Enroll User"));
    assert_eq!(Catalogue::builtin().known_text(Jumio, "Enroll User"), None);
    assert_eq!(Catalogue::builtin().known_text(SmileId, "*"), None);
    assert_eq!(Catalogue::builtin().known_text(SmileId, ""), None);
    assert!(!Catalogue::builtin().knows_code(SmileId, ""));
    assert!(!Catalogue::builtin().knows_error(SmileId, "*"));
}

fn overridden(rows: &str) -> Result<Catalogue, CatalogueError> {
    Catalogue::with_overrides(&format!("{}\n{rows}", COLUMNS.join(",")), "codes.csv")
}

#[test]
fn an_override_replaces_or_adds() {
    let ours = Catalogue::builtin();
    let theirs = overridden(
        "smile_id,*,1021,*,*,review,false,whole,false,answered,,,partial matches go to a person,policy 7\n\
         smile_id,biometric_kyc,0999,*,New Text.,failed,true,face,false,,,,a code of our own,support ticket\n",
    )
    .unwrap();
    assert_eq!(theirs.entries().len(), ours.entries().len() + 1);
    assert_ne!(theirs.version(), ours.version());
    let partial = theirs.resolve(SmileId, Some(BasicKyc), Some("1021"), None, None).unwrap();
    assert_eq!(partial.outcome.as_deref(), Some("review"));
    let new = theirs.resolve(SmileId, Some(BiometricKyc), Some("0999"), None, Some("new text")).unwrap();
    assert_eq!(new.outcome.as_deref(), Some("failed"));
    assert_eq!(theirs.known_text(SmileId, "NEW TEXT"), Some("New Text"));
    assert!(theirs.knows_code(SmileId, "0999"));
    assert_eq!(theirs.resolve(SmileId, Some(BasicKyc), Some("0999"), None, None), None);
}

#[test]
fn an_override_of_nothing_changes_nothing() {
    assert_eq!(overridden("").unwrap().version(), Catalogue::builtin().version());
    let same =
        Catalogue::with_overrides(&format!("\u{feff}{}", Catalogue::builtin().csv().replace('\n', "\r\n")), "ours");
    assert_eq!(same.unwrap().version(), Catalogue::builtin().version());
    assert_eq!(Catalogue::builtin().version().len(), 12);
}

#[test]
fn a_text_in_other_letters_is_the_same_row() {
    let theirs = overridden("smile_id,*,0810,*,ENROLL USER,review,false,face,false,,,,ours,ours\n").unwrap();
    assert_eq!(theirs.entries().len(), Catalogue::builtin().entries().len());
    let found = theirs.resolve(SmileId, None, Some("0810"), None, Some("Enroll User")).unwrap();
    assert_eq!(found.outcome.as_deref(), Some("review"));
}

#[test]
fn a_bad_override_names_the_place_and_what_is_allowed() {
    let message = |rows: &str| overridden(rows).unwrap_err().to_string();
    let row = |outcome: &str, is_final: &str| format!("smile_id,*,1021,*,*,{outcome},{is_final},whole,false,,,,m,s\n");
    let unknown = message(&row("unknown", "false"));
    assert!(unknown.starts_with("codes.csv, line 2, column outcome: allowed: passed, failed, review"), "{unknown}");
    assert!(!unknown.contains("unknown"), "what stands there is not printed");
    assert!(message(&row("passed", "false")).contains("line 2, column is_final"));
    assert!(message(&row("review", "true")).contains("column is_final"));
    assert!(message(&row("review", "perhaps")).contains("allowed: true, false"));
    assert!(
        message("smileid,*,1,*,*,,false,whole,false,,,,m,s\n")
            .contains("column provider: allowed: smile_id, advance_ai, jumio")
    );
    assert!(
        message("smile_id,kyc,1,*,*,,false,whole,false,,,,m,s\n").contains("column product: allowed: *, submission")
    );
    assert!(message("smile_id,*,1,*,*,,false,both,false,,,,m,s\n").contains("column half: allowed: id, face, whole"));
    assert!(message("smile_id,*,1\n").contains("line 2: 3 cells where 14 are needed"));
    let twice = row("review", "false").repeat(2);
    assert!(message(&twice).contains("line 3: its five key columns are those of line 2"));
    let header = Catalogue::with_overrides("code,outcome\n1,passed\n", "x.csv").unwrap_err().to_string();
    assert!(header.starts_with("x.csv, line 1: the header must be `provider,product,"), "{header}");
    assert!(Catalogue::with_overrides("", "x.csv").is_err());
}

#[test]
fn rows_of_the_table_carry_display_texts_and_the_version() {
    let catalogue = Catalogue::builtin();
    let rows = catalogue.rows("batch-1");
    assert_eq!(rows.len(), catalogue.entries().len());
    assert!(rows.iter().all(|r| r.catalogue_version == catalogue.version() && r.batch_id == "batch-1"));
    assert!(rows.iter().any(|r| r.code == "0814" && r.text == "Provisional Enroll - Under Review"));
}

proptest! {
    #[test]
    fn resolve_never_panics(product in 0..Product::ALL.len() * 2, code in ".{0,12}", error in ".{0,12}", text in ".{0,40}") {
        let product = Product::ALL.get(product).copied();
        for provider in Provider::ALL {
            Catalogue::builtin().resolve(*provider, product, some(&code), some(&error), some(&text));
        }
    }

    #[test]
    fn folding_is_idempotent(text in "[ .A-Za-z–é\\t]{0,24}") {
        prop_assert_eq!(fold_text(&fold_text(&text)), fold_text(&text));
    }

    #[test]
    fn any_file_is_read_or_refused(rows in "[ -~\\n]{0,200}") {
        let _ = overridden(&rows);
        let _ = Catalogue::with_overrides(&rows, "any");
    }
}
