//! Retrieval answers and document callbacks: one scan, told as `document`, `transaction` and `verification`.
//!
//! Each part is also an answer of its own, with the part's fields at the top. The fields of the parts differ in name
//! except for `status`, whose words tell which part it is of.

use super::netverify::{corrected, country_of, is_approved};
use super::verification::{self, check};
use super::{EXTRACTIONS, STATES, VERDICTS, known_fields};
use crate::provider::known_fields::note_unknown;
use crate::provider::wire::Object;
use crate::provider::{Decoded, Statement, nested, stated};
use crate::record::{Kind, Product, Provider};

/// The three parts of an answer; where one is missing, the top of the answer stands in for it.
struct Scan<'a> {
    top: &'a Object<'a>,
    document: Option<Object<'static>>,
    transaction: Option<Object<'static>>,
    verification: Option<Object<'static>>,
    /// What the scan says of itself, as words of three kinds.
    verdict: Option<String>,
    state: Option<String>,
    extraction: Option<String>,
}

impl<'a> Scan<'a> {
    fn read(top: &'a Object<'a>) -> Self {
        let data = nested::object(top, &["data"]);
        let part = |name| nested::object(top, &[name]).or_else(|| nested::object(data.as_ref()?, &[name]));
        let mut scan = Scan {
            document: part("document"),
            transaction: part("transaction"),
            verification: part("verification"),
            verdict: None,
            state: None,
            extraction: None,
            top,
        };
        let own = stated::word(scan.top, &["status"]);
        let document = scan.document.as_ref().and_then(|d| stated::word(d, &["status"]));
        let transaction = scan.transaction.as_ref().and_then(|t| stated::word(t, &["status"]));
        for word in [document, own].into_iter().flatten().map(corrected) {
            if EXTRACTIONS.contains(&word.as_str()) {
                scan.extraction.get_or_insert(word);
            } else if STATES.contains(&word.as_str()) {
                scan.state.get_or_insert(word);
            } else {
                // An unknown word stays visible as one.
                scan.verdict.get_or_insert(word);
            }
        }
        scan.state = transaction.or(scan.state);
        scan
    }

    fn document(&self) -> &Object<'a> {
        self.document.as_ref().unwrap_or(self.top)
    }

    fn transaction(&self) -> &Object<'a> {
        self.transaction.as_ref().unwrap_or(self.top)
    }

    fn verification(&self) -> &Object<'a> {
        self.verification.as_ref().unwrap_or(self.top)
    }

    /// The product, where the answer tells: a bare status does not.
    fn product(&self, kind: Kind) -> Option<Product> {
        let source = stated::word(self.transaction(), &["source"]).unwrap_or_default();
        let of_scan = self.verdict.as_ref().is_some_and(|word| VERDICTS.contains(&word.as_str()));
        let of_document =
            source.starts_with("DOC_") || self.extraction.is_some() || self.document().has("extractedData");
        if kind == Kind::DocumentCallback || of_document && !of_scan {
            return Some(Product::Document);
        }
        let tells = !source.is_empty() || self.verdict.is_some() || self.verification.is_some();
        let has_part = ["mrzCheck", "identityVerification", "rejectReason"].iter().any(|name| self.top.has(name));
        (tells || has_part).then_some(Product::Netverify)
    }

    /// The verdict, else that the scan is not done or failed. That it is done is no result.
    fn result_code(&self, product: Option<Product>) -> Option<String> {
        let verdict = self.verdict.clone().filter(|_| product != Some(Product::Document));
        verdict.or_else(|| self.state.clone().filter(|state| state != "DONE"))
    }
}

/// A retrieval answer, a part of one, or a document callback.
pub fn answer(top: &Object, kind: Kind) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::Jumio), kind);
    let problems = &mut decoded.problems;
    let scan = Scan::read(top);
    let parts =
        [("document.", &scan.document), ("transaction.", &scan.transaction), ("verification.", &scan.verification)];
    for (prefix, part) in parts {
        let lists = [known_fields::PARTS, known_fields::SCAN];
        part.iter().for_each(|part| note_unknown(&mut decoded.unknown_fields, part, prefix, &lists));
    }
    let product = scan.product(kind);
    let result_code = scan.result_code(product);
    stated::check_dates(scan.document(), &["dob", "expiry", "issuingDate"], problems);
    let reject = verification::reject(scan.verification(), problems);
    let face = verification::face(scan.verification(), problems);
    let approved = scan.verdict.as_deref().is_some_and(is_approved);
    if approved && reject.is_some() {
        problems.push("rejectReason beside APPROVED_VERIFIED".to_owned());
    }
    // A verification part states no verdict of its own; its face check still decides.
    let face_decides = approved || result_code.is_none();
    let objection = face.as_ref().filter(|f| face_decides && (approved || f.objects())).and_then(|f| f.objection());
    let error_code = objection.or_else(|| reject.as_ref()?.code.clone());

    decoded.checks = verification::checks(scan.verification(), face.as_ref(), reject.as_ref());
    if let Some(extraction) = &scan.extraction {
        decoded.checks.push(check("document_status", Some(extraction.clone()), None));
    }
    decoded.stated_at = stated::time(top, &["timestamp", "callbackDate"], problems);
    if result_code.is_some() || error_code.is_some() {
        let similarity_score = face.as_ref().and_then(|f| f.score);
        // The document part alone does not know of the face check.
        let is_part = approved && scan.document.is_none() && face.is_none();
        let mut statement =
            Statement { product, result_code, error_code, similarity_score, is_part, ..Statement::default() };
        describe(&mut statement, &scan, problems);
        statement.stated_at = decoded.stated_at.or(statement.requested_at);
        decoded.statements.push(statement);
    }
    decoded
}

/// Fills in what the scan is about.
fn describe(statement: &mut Statement, scan: &Scan, problems: &mut Vec<String>) {
    let (document, transaction) = (scan.document(), scan.transaction());
    statement.provider_job_id = stated::text(scan.top, &["scanReference", "jumioIdScanReference"]);
    statement.partner_job_id = stated::text(transaction, &["merchantScanReference", "merchantIdScanReference"]);
    statement.user_id = stated::text(transaction, &["customerId"]);
    statement.id_number = stated::text(document, &["number", "idNumber"]);
    statement.country = country_of(document, &["issuingCountry", "country", "idCountry"], problems);
    statement.id_type = stated::word(document, &["type", "idType"]);
    statement.merchant_reporting_criteria = stated::text(transaction, &["merchantReportingCriteria"]);
    statement.id_scan_source = stated::text(transaction, &["source"]);
    statement.requested_at = stated::time(transaction, &["date", "transactionDate"], problems);
}

/// Whether an object without a scan reference is a retrieval answer or a part of one.
pub fn is_part(object: &Object) -> bool {
    let whole = ["transaction", "verification"].iter().any(|name| object.has(name))
        && nested::object(object, &["document"]).is_some_and(|document| has_verdict(&document));
    whole || object.has("type") && has_verdict(object) || is_verification(object) || is_transaction(object)
}

fn has_verdict(document: &Object) -> bool {
    stated::word(document, &["status"]).is_some_and(|word| VERDICTS.contains(&word.as_str()))
}

fn is_verification(object: &Object) -> bool {
    let face = nested::object(object, &["identityVerification"]);
    let reject = nested::object(object, &["rejectReason"]);
    face.is_some_and(|f| f.has("similarity") || f.has("validity"))
        || reject.is_some_and(|r| r.has("rejectReasonCode"))
        || object.has("mrzCheck")
}

fn is_transaction(object: &Object) -> bool {
    let source = stated::word(object, &["source"]).unwrap_or_default();
    let state = stated::word(object, &["status"]).unwrap_or_default();
    STATES.contains(&state.as_str())
        && (object.has("merchantScanReference") || ["WEB_", "DOC_", "REDIRECT_"].iter().any(|s| source.starts_with(s)))
}
