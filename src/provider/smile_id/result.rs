//! One result as a statement: a v1 callback, the `result` of a job_status answer, a history entry, a v2 answer, and the
//! shapes that integrators make of them.

use super::super::wire::{Object, Sort, Value, same_name};
use super::super::{Statement, country, time};
use super::fields::{code, is_code_word, is_placeholder, note, stated, stated_exactly};
use super::product;
use crate::envelope::Request;

/// Statuses that v3 gives as verdicts. The same field also carries HTTP phrases and acknowledgements.
pub const VERDICT_WORDS: [&str; 6] = ["clear", "block", "attention", "error", "processing", "complete"];

/// Dates of a person or a document: the field, and what is said when it holds none.
const DATES: [(&str, &str); 4] = [
    ("DOB", "DOB is not a date"),
    ("date_of_birth", "date_of_birth is not a date"),
    ("ExpirationDate", "ExpirationDate is not a date"),
    ("IssuanceDate", "IssuanceDate is not a date"),
];

/// The parts in which v3 and business checks put what v1 has at the top.
const PARTS: [&str; 3] = ["id_fields", "company_information", "user_provided_info"];

/// Whether the `job_id` beside a result, outside `PartnerParams`, is the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobId {
    /// v2 and v3.
    Provider,
    /// v1 and what integrators make of it.
    Partner,
}

/// What a result states about itself, without anything from its surroundings.
pub fn statement(result: &Object, position: i32, job_id: JobId, problems: &mut Vec<String>) -> Statement {
    let params = result.object(&["PartnerParams"]).unwrap_or_default();
    let job_type = product::job_type(result, &params);
    let result_code = result_code(result);
    let (provider_job_id, beside) = job_ids(result, job_id);
    dates(result, problems);
    Statement {
        position,
        product: product::of(result, job_type.as_deref(), result_code.as_deref()),
        job_type,
        provider_job_id,
        partner_job_id: stated(&params, &["job_id"]).or(beside),
        user_id: stated(&params, &["user_id"]).or_else(|| stated(result, &["user_id"])),
        id_number: from_parts(result, "id_number"),
        error_code: stated(result, &["reason"]).filter(|_| !result.has("ResultCode")),
        result_text: stated(result, &["ResultText"]),
        result_code,
        is_final_stated: result.get(&["IsFinalResult"]).and_then(|value| value.bool()),
        country: country_of(result, problems),
        id_type: from_parts(result, "id_type").map(|id_type| id_type.trim().to_uppercase()),
        confidence: confidence(result, problems),
        extras: extras(&params),
        stated_at: stated(result, &["completed_at"]).and_then(|text| time::parse(&text)),
        ..Statement::default()
    }
}

/// Fills from the request what the payload's own result does not state. Never for history: it may be of other jobs.
pub fn fill_from_request(statement: &mut Statement, result: &Object, request: &Request, problems: &mut Vec<String>) {
    let given = |text: &Option<String>| text.clone().filter(|text| !is_placeholder(text));
    statement.partner_job_id = statement.partner_job_id.take().or_else(|| given(&request.job_id));
    statement.user_id = statement.user_id.take().or_else(|| given(&request.user_id));
    statement.id_type =
        statement.id_type.take().or_else(|| given(&request.id_type).map(|text| text.trim().to_uppercase()));
    if statement.country.is_none() {
        statement.country = request.country.as_deref().and_then(|text| country_code(text, problems));
    }
    if statement.product.is_none() && statement.job_type.is_none() {
        let code = statement.result_code.as_deref();
        statement.product = given(&request.job_type).and_then(|job_type| product::of_request(&job_type, result, code));
    }
}

/// Whether a status is one of v3's verdicts, in the spelling of the catalogue.
pub fn verdict_word(status: &str) -> Option<&'static str> {
    VERDICT_WORDS.iter().find(|word| status.trim().eq_ignore_ascii_case(word)).copied()
}

/// A country spelling as alpha-2; a placeholder is nothing, anything else that is no country is a problem.
pub fn country_code(text: &str, problems: &mut Vec<String>) -> Option<String> {
    // `NA` is Namibia and no placeholder here.
    if is_placeholder(text) && text.trim() != "NA" {
        return None;
    }
    let found = country::alpha2(text);
    if found.is_none() {
        note(problems, "Country is not a country");
    }
    found.map(str::to_owned)
}

/// The result code; without one the status, where it is a verdict or at least a code word.
fn result_code(result: &Object) -> Option<String> {
    if let Some(value) = result.get(&["ResultCode"]) {
        return code(value);
    }
    let status = stated(result, &["status"])?;
    verdict_word(&status).map(str::to_owned).or_else(|| Some(status).filter(|status| is_code_word(status)))
}

/// The provider's reference, and a company's reference that stands beside the result.
fn job_ids(result: &Object, job_id: JobId) -> (Option<String>, Option<String>) {
    let provider = stated(result, &["SmileJobID"]);
    match job_id {
        JobId::Provider => (provider.or_else(|| stated(result, &["job_id"])), None),
        JobId::Partner if provider.is_none() && result.has_exactly("JobId") => (stated_exactly(result, "JobId"), None),
        JobId::Partner => (provider, stated(result, &["job_id", "partner_job_id"])),
    }
}

/// A field of the result, else of one of its parts.
fn from_parts(result: &Object, name: &str) -> Option<String> {
    stated(result, &[name]).or_else(|| PARTS.iter().find_map(|part| stated(&result.object(&[part])?, &[name])))
}

fn country_of(result: &Object, problems: &mut Vec<String>) -> Option<String> {
    let mut country = |holder: &Object| {
        let value = holder.get(&["country"])?;
        let text = value.text().filter(|_| value.sort() == Sort::Text);
        if text.is_none() {
            note(problems, "Country is not a country");
        }
        country_code(&text?, problems)
    };
    country(result).or_else(|| PARTS.iter().find_map(|part| country(&result.object(&[part])?)))
}

/// How sure the comparison was, in percent.
///
/// `ConfidenceValue` is the provider's and a percentage (`"100"`, `"97.000000"`, `"99.99"`: PROVIDERS.md, 1.6), so it counts
/// as sent; one between 0 and 1 may have been scaled by a store or may not, and is noted. A column `confidence_score` is a
/// store's own, kept as `DECIMAL(3,2)` (STORAGE.md, 5): there 0 to 1 is a share, and only more than 1 is a percentage.
fn confidence(result: &Object, problems: &mut Vec<String>) -> Option<f64> {
    let number = |name: &str| result.get(&[name]).and_then(Value::number);
    if let Some(percent) = number("ConfidenceValue") {
        if percent > 0.0 && percent < 1.0 {
            note(problems, "ConfidenceValue is between 0 and 1, its scale is not certain");
        }
        return Some(percent);
    }
    number("confidence_score").map(|score| if score <= 1.0 { (score * 10_000.0).round() / 100.0 } else { score })
}

/// The company's own parameters.
fn extras(params: &Object) -> Vec<(String, String)> {
    let own = |key: &str| !["job_id", "user_id", "job_type"].iter().any(|name| same_name(key, name));
    let text = |(key, value): (&str, &Value)| Some((key.to_owned(), value.text()?.into_owned()));
    params.iter().filter(|(key, _)| own(key)).filter_map(text).collect()
}

fn dates(result: &Object, problems: &mut Vec<String>) {
    let id_fields = result.object(&["id_fields"]).unwrap_or_default();
    for holder in [result, &id_fields] {
        for (field, problem) in DATES {
            let text = stated(holder, &[field]);
            let is_date = |text: &str| {
                let day = text.trim().split(['T', ' ']).next().unwrap_or_default();
                time::is_date(day)
            };
            // A masked date states nothing that could be wrong.
            if text.is_some_and(|text| !text.contains('*') && !is_date(&text)) {
                note(problems, problem);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> (Statement, Vec<String>) {
        let mut problems = Vec::new();
        let object = Object::parse(json).expect("well-formed");
        (statement(&object, 0, JobId::Partner, &mut problems), problems)
    }

    #[test]
    fn a_result_is_read_as_sent() {
        let (statement, problems) = read(
            r#"{"SmileJobID":"0000004711","ResultCode":"1012","ResultText":"ID Validated","IsFinalResult":"true","Country":"Ghana",
            "IDType":"voter_id","IDNumber":"9000000001","ConfidenceValue":"97.000000","DOB":"1991-02-03","ExpirationDate":"Not Available",
            "PartnerParams":"{\"job_id\":\"j-1\",\"user_id\":\"u-1\",\"job_type\":5,\"branch\":7,\"vip\":true}"}"#,
        );
        assert_eq!(statement.provider_job_id.as_deref(), Some("0000004711"));
        assert_eq!(statement.partner_job_id.as_deref(), Some("j-1"));
        assert_eq!(statement.user_id.as_deref(), Some("u-1"));
        assert_eq!((statement.country.as_deref(), statement.id_type.as_deref()), (Some("GH"), Some("VOTER_ID")));
        assert_eq!(statement.job_type.as_deref(), Some("5"));
        assert_eq!(statement.is_final_stated, Some(true));
        assert_eq!(statement.confidence, Some(97.0));
        assert_eq!(statement.extras, [("branch".to_owned(), "7".to_owned()), ("vip".to_owned(), "true".to_owned())]);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn confidence_is_percent_and_only_a_stores_own_column_is_a_share() {
        for (json, expected) in [
            (r#"{"ConfidenceValue":"97.000000"}"#, Some(97.0)),
            (r#"{"ConfidenceValue":100}"#, Some(100.0)),
            (r#"{"confidence_value":"99.99"}"#, Some(99.99)),
            (r#"{"ConfidenceValue":"0"}"#, Some(0.0)),
            (r#"{"ConfidenceValue":"1"}"#, Some(1.0)),
            (r#"{"ConfidenceValue":"1","confidence_score":"0.5"}"#, Some(1.0)),
            (r#"{"confidence_score":"0.50"}"#, Some(50.0)),
            (r#"{"confidence_score":"0.57"}"#, Some(57.0)),
            (r#"{"confidenceScore":1.00}"#, Some(100.0)),
            (r#"{"confidence_score":98.5}"#, Some(98.5)),
            (r#"{"ConfidenceValue":"N/A"}"#, None),
            (r#"{"ConfidenceValue":""}"#, None),
        ] {
            let (statement, problems) = read(json);
            assert_eq!(statement.confidence, expected, "{json}");
            assert!(problems.is_empty(), "{json}");
        }
        let (statement, problems) = read(r#"{"ConfidenceValue":0.97}"#);
        assert_eq!(statement.confidence, Some(0.97));
        assert_eq!(problems, ["ConfidenceValue is between 0 and 1, its scale is not certain"]);
    }

    #[test]
    fn masked_dates_are_no_problem() {
        let (_, problems) =
            read(r#"{"DOB":"1976/**/**","ExpirationDate":"****-**-**","id_fields":{"date_of_birth":"19**-01-02"}}"#);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn what_is_no_date_and_no_country_is_a_problem_without_its_value() {
        let (statement, problems) = read(
            r#"{"ResultCode":1013,"Country":"Atlantis","DOB":"NaN-NaN-NaN","id_fields":{"expiration_date":"31/01/2030"}}"#,
        );
        assert_eq!(statement.country, None);
        assert_eq!(problems, ["DOB is not a date", "ExpirationDate is not a date", "Country is not a country"]);
    }

    #[test]
    fn a_reference_beside_the_result_is_the_companys_unless_dotnet_spells_it() {
        assert_eq!(read(r#"{"jobId":"j","resultCode":"1210"}"#).0.partner_job_id.as_deref(), Some("j"));
        let (statement, _) = read(r#"{"JobId":"s","ResultCode":"0810"}"#);
        assert_eq!((statement.provider_job_id.as_deref(), statement.partner_job_id), (Some("s"), None));
    }

    #[test]
    fn a_status_is_the_code_only_where_no_code_is() {
        assert_eq!(read(r#"{"status":"Block","reason":"high_risk"}"#).0.result_code.as_deref(), Some("block"));
        assert_eq!(read(r#"{"status":"Block","reason":"high_risk"}"#).0.error_code.as_deref(), Some("high_risk"));
        assert_eq!(read(r#"{"status":"Payment Required"}"#).0.result_code, None);
        assert_eq!(read(r#"{"status":"verified","ResultCode":"1210"}"#).0.result_code.as_deref(), Some("1210"));
    }

    #[test]
    fn the_request_fills_only_gaps() {
        let object = Object::parse(r#"{"ResultCode":"1012","Country":"KE"}"#).expect("well-formed");
        let mut statement = statement(&object, 0, JobId::Partner, &mut Vec::new());
        let request = Request {
            country: Some("NG".into()),
            id_type: Some("bvn".into()),
            job_id: Some("j-9".into()),
            job_type: Some("5".into()),
            ..Request::default()
        };
        fill_from_request(&mut statement, &object, &request, &mut Vec::new());
        assert_eq!((statement.country.as_deref(), statement.id_type.as_deref()), (Some("KE"), Some("BVN")));
        assert_eq!(statement.partner_job_id.as_deref(), Some("j-9"));
        assert_eq!(statement.product, Some(crate::record::Product::EnhancedKyc));
    }
}
