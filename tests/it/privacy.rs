//! Nothing personal of the input is in the mart, in reports, in `inspect` or in messages, wherever it stood in the input.
//!
//! Invented people have values that hold one of [`CORES`], which nothing else does. Payloads of every provider have them in
//! all their personal fields and, one after the other, in every other field (`<…>` in [`PAYLOADS`]), in many spellings.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::Array;
use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::support::{folder, kycmart_in, query};

/// What names, user ids, photos and signatures hold; numbers; birth dates. Without case, spaces and punctuation.
const CORES: [&str; 3] = ["qzxwvkj", "4177414", "19131127"];
/// What ordinary job references hold.
const CONTROL: &str = "plainctl";

/// Payloads; `{…}` is a personal value, `<…>` a place where others are planted, with what ordinarily stands there.
const PAYLOADS: [(&str, &str); 23] = [
    (
        "smile callback",
        r#"{"SmileJobID":"<0000000042>","PartnerParams":{"job_id":"<order>","user_id":"{user}","job_type":"<5>","branch":"<Ikeja>"},"ResultType":"<ID Verification>","ResultText":"<ID Validated>","ResultCode":"<1012>","IsFinalResult":"<true>","Actions":{"<Verify_ID_Number>":"Verified","Names":"<Exact Match>"},"Country":"<NG>","IDType":"<BVN>","IDNumber":"{id}","FullName":"{name}","DOB":"{dob}","PhoneNumber":"{phone}","Email":"{email}","Address":"{address}","Photo":"{photo}","ConfidenceValue":"<97.0>","KYCReceipt":"https://portal.smileidentity.com/api/v3/<077>/job_result_summary/<0000000042>/generate_pdf?signature={sig}&environment=<test>","ImageLinks":{"selfie_image":"https://results.s3.amazonaws.com/production/000000/<077>/077-<0000000042>-x/{user}.jpg?X-Amz-Signature={sig}"},"Source":"<WebAPI>","signature":"{sig}","timestamp":"2026-05-02T10:00:00.000Z"}"#,
    ),
    (
        "smile full data",
        r#"{"SmileJobID":"<0000000043>","PartnerParams":"{\"job_id\":\"<order>\",\"user_id\":\"{user}\",\"job_type\":5}","ResultText":"<ID Number Validated>","ResultCode":"<1012>","Country":"<Nigeria>","IDType":"<NIN>","IDNumber":"{id}","FullData":{"firstname":"{first}","surname":"{last}","telephoneno":"{phone}","birthdate":"{dob}","residence":{"line":"{address}"},"email":"{email}","photo":"{photo}"},"signature":"{sig}","timestamp":"2026-05-02T10:00:00.000Z"}"#,
    ),
    (
        "smile job status",
        r#"{"code":"<2302>","job_complete":"<true>","job_success":"<true>","result":{"SmileJobID":"<0000000044>","PartnerParams":{"job_id":"<order>","user_id":"{user}","job_type":1},"ResultText":"<Enroll User>","ResultCode":"<0810>","FullName":"{name}","DOB":"{dob}","PhoneNumber":"{phone}","Email":"{email}","IDNumber":"{id}","Address":"{address}"},"history":[{"SmileJobID":"<0000000045>","PartnerParams":{"job_id":"<order>","user_id":"{user}"},"ResultText":"<Enroll User>","ResultCode":"<0812>","Actions":{"Liveness_Check":"<Passed>"}}],"image_links":{"selfie_image":"https://x.example/{user}?X-Amz-Signature={sig}"},"signature":"{sig}","timestamp":"2026-05-02T10:00:00Z"}"#,
    ),
    (
        "smile text result",
        r#"{"code":"<2302>","job_complete":false,"job_success":false,"result":"<No zip uploaded yet>","user_id":"{user}","job_id":"<order>","signature":"{sig}","timestamp":"2026-05-02T10:00:00Z"}"#,
    ),
    (
        "smile business",
        r#"{"SmileJobID":"<0000000046>","PartnerParams":{"job_id":"<order>","user_id":"{user}","job_type":7},"ResultText":"<Business Verified>","ResultCode":"<1012>","Actions":{"Verify_Business":"<Verified>"},"company_information":{"country":"<Nigeria>","address":"{address}","registration_number":"{id}","phone":"{phone}","legal_name":"{name}","email":"{email}","status":"<ACTIVE>"},"directors":[{"name":"{name}","id_number":"{id}","date_of_birth":"{dob}","occupation":"<CEO>","nationality":"<Nigerian>"}],"kyb_receipt":"https://portal.smileidentity.com/r/<x>?signature={sig}","signature":"{sig}","timestamp":"2026-05-02T10:00:00Z"}"#,
    ),
    (
        "smile aml",
        r#"{"SmileJobID":"<0000000047>","PartnerParams":{"job_id":"<order>","user_id":"{user}","job_type":10},"ResultText":"<No match found on AML lists.>","ResultCode":"<1031>","Actions":{"Listed":"<Not Listed>"},"people":[{"name":"{name}","aliases":["{last}"],"addresses":["{address}"],"dates_of_birth":["{dob}"],"nationalities":["<Ghana>"]}],"signature":"{sig}","timestamp":"2026-05-02T10:00:00Z"}"#,
    ),
    (
        "smile v3 callback",
        r#"{"received_at":"2026-05-02T10:00:00Z","remote_ip":"192.0.2.1","headers":{"Job-ID":"<job_0042>","User-ID":"{user}","Response-Signature":"{sig}","Response-Timestamp":"2026-05-02T10:00:00Z","X-Forwarded-For":"{ip}","Cookie":"<none>"},"body":{"status":"<clear>","message":"<Verification result>","reason":"<high_risk>","product":"<document_verification>","created_at":"2026-05-02T10:00:00Z","completed_at":"2026-05-02T10:00:00Z","partner_params":{"job_id":"<order>","job_type":6},"id_fields":{"first_name":"{first}","last_name":"{last}","full_name":"{name}","id_number":"{id}","phone_number":"{phone}","email":"{email}","country":"<NG>","id_type":"<PASSPORT>","date_of_birth":"{dob}","address":{"address_line_1":"{address}"}}}}"#,
    ),
    ("smile v3 status", r#"{"status":"<block>","job_id":"<job_0043>","user_id":"{user}","message":"<Job completed>"}"#),
    (
        "smile v3 error",
        r#"{"received_at":"2026-05-02T10:00:00Z","request":{"url":"https://api.smileidentity.com/v3/x?phone={phone}","body":{"partner_params":{"job_id":"<order>","user_id":"{user}"},"id_info":{"first_name":"{first}","last_name":"{last}","id_number":"{id}","dob":"{dob}","email":"{email}","phone_number":"{phone}","country":"<NG>","id_type":"<BVN>"}}},"body":{"status":"Payment Required","message":"<Insufficient wallet balance.>"}}"#,
    ),
    (
        "smile refusal",
        r#"{"received_at":"2026-05-02T10:00:00Z","request":{"partner_id":"<077>","job_id":"<order>","user_id":"{user}","first_name":"{first}","last_name":"{last}","email":"{email}","phone_number":"{phone}","id_number":"{id}","dob":"{dob}"},"body":{"error":"<Job already exists.>","code":"<2215>"}}"#,
    ),
    (
        "smile upload",
        r#"{"upload_url":"https://uploads.s3.amazonaws.com/videos/<077>/077-0000000048-x/selfie.zip?X-Amz-Signature={sig}","ref_id":"<077-0000000048-q>","smile_job_id":"<0000000048>","code":"2202"}"#,
    ),
    (
        "smile availability",
        r#"{"received_at":"2026-05-02T10:00:00Z","request":{"country":"<NG>","id_type":"<BVN>","partner_id":"<077>","user_id":"{user}","first_name":"{first}","last_name":"{last}","phone_number":"{phone}"},"body":{"last_known_status":"<online>","last_check_status":"<success>","last_checked":"2026-05-02T10:00:00Z","last_hour_success_rate":"<99%>"}}"#,
    ),
    (
        "advance result",
        r#"{"code":"<SUCCESS>","message":"<OK>","data":{"signatureId":"<f302f5d2454a85c2>","overallResult":"<PASS>","submissionCompleted":true,"idvResult":"<PASS>","errorCode":"<SUCCESS>","docDatabaseDetail":{"bvn":"{id}","numberTypeInfo":{"numberType":"<NG_BVN>","region":"<NGA>"},"firstName":"{first}","lastName":"{last}","birthday":"{dob}","phoneNumber":"{phone}","address":"{address}","email":"{email}"},"faceDetail":{"faceResult":"<PASS>","faceLivenessScore":"<99>","faceSimilarityScore":"<82>","eventDetails":["<EVENT_ONE>"]},"inputParameters":{"region":"<NGA>","numberType":"<BVN>","bizId":"<order>","userId":"{user}"},"countryCodeIso3":"<NGA>"},"transactionId":"<d3fde1547eeaf226>","pricingStrategy":"<PAY>"}"#,
    ),
    (
        "advance database",
        r#"{"code":"<SUCCESS>","message":"<OK>","data":{"overallResult":"<FAIL>","errorCode":"<NAME_NOT_MATCH>","docDatabaseDetail":{"numberValue":"{id}","fullName":"{name}","birthday":"{dob}","phoneNumber":"{phone}","verification":{"fullName":"<fail>"}}},"transactionId":"<d3fde1547eeaf227>","pricingStrategy":"<PAY>","extra":null}"#,
    ),
    (
        "advance callback",
        r#"{"received_at":"2026-05-02T10:00:00Z","request":{"user_id":"{user}","first_name":"{first}","last_name":"{last}","phone_number":"{phone}"},"body":{"type":"<VERIFICATION_COMPLETED>","signatureId":"<f302f5d2454a85c3>"}}"#,
    ),
    (
        "advance refusal",
        r#"{"code":"<PARAMETER_ERROR>","message":"<Parameter should not be empty>","data":null,"extra":null,"transactionId":"<7196eb0c77789e58>","pricingStrategy":"<FREE>"}"#,
    ),
    (
        "jumio callback",
        r#"{"callBackType":"NETVERIFYID","jumioIdScanReference":"<6f1a0b7c-0001>","merchantIdScanReference":"<order>","verificationStatus":"<APPROVED_VERIFIED>","idScanStatus":"<SUCCESS>","idScanSource":"<SDK>","idCheckHologram":"<OK>","idCheck<Other>":"OK","callbackDate":"2026-05-02T10:00:00Z","idType":"<PASSPORT>","idCountry":"<USA>","idFirstName":"{first}","idLastName":"{last}","idDob":"{dob}","idNumber":"{id}","personalNumber":"{id}","customerId":"{user}","clientIp":"{ip}","idAddress":{"line1":"{address}","country":"USA"},"merchantReportingCriteria":"<campaign-7>","identityVerification":{"similarity":"<MATCH>","validity":"<true>","reason":"<LIVENESS_FAILED>","similarityScore":"<0.9>"},"rejectReason":{"rejectReasonCode":"<100>","rejectReasonDescription":"<MANIPULATED_DOCUMENT>","rejectReasonDetails":[{"detailsCode":"<1001>","detailsDescription":"<PHOTO>"}]},"additionalChecks":{"<addressValidation>":{"searchResults":"<POSITIVE_RESULT>"}},"idScanImage":"https://netverify.com/{user}/front"}"#,
    ),
    (
        "jumio document",
        r#"{"timestamp":"2026-05-02T10:00:00Z","scanReference":"<6f1a0b7c-0002>","document":{"type":"<SSC>","country":"<AUT>","images":["https://netverify.com/{user}/1"],"status":"<UPLOADED>","extractedData":{"firstName":"{first}","lastName":"{last}","ssn":"{id}","dob":"{dob}"}},"transaction":{"customerId":"{user}","clientIp":"{ip}","date":"2026-05-02T09:00:00Z","merchantScanReference":"<order>","merchantReportingCriteria":"<campaign-7>","source":"<DOC_SDK>","status":"<DONE>"}}"#,
    ),
    (
        "jumio authentication",
        r#"{"callBackType":"NETVERIFY_AUTHENTICATION","transactionReference":"<6f1a0b7c-0003>","enrollmentTransactionReference":"<6f1a0b7c-0004>","merchantScanReference":"<order>","userReference":"{user}","clientIp":"{ip}","transactionResult":"<PASSED>","scanSource":"<SDK>","callbackDate":"2026-05-02T10:00:00Z"}"#,
    ),
    (
        "jumio retrieval",
        r#"{"timestamp":"2026-05-02T10:00:00Z","scanReference":"<6f1a0b7c-0005>","document":{"type":"<DRIVING_LICENSE>","dob":"{dob}","firstName":"{first}","lastName":"{last}","number":"{id}","issuingCountry":"<AUT>","status":"<APPROVED_VERIFIED>","address":{"line1":"{address}"}},"transaction":{"clientIp":"{ip}","customerId":"{user}","date":"2026-05-02T09:00:00Z","merchantReportingCriteria":"<campaign-7>","merchantScanReference":"<order>","source":"<WEB_UPLOAD>","status":"<DONE>"},"verification":{"identityVerification":{"similarity":"<MATCH>","validity":"true"},"mrzCheck":"<OK>"}}"#,
    ),
    (
        "jumio platform callback",
        r#"{"callbackSentAt":"2026-05-02T10:00:00Z","userReference":"{user}","workflowExecution":{"id":"<6f1a0b7c-0006>","href":"https://retrieval.jumio.ai/{user}","definitionKey":"<3>","status":"<PROCESSED>"},"account":{"id":"<6f1a0b7c-0007>"},"customerInternalReference":"<order>"}"#,
    ),
    (
        "jumio platform retrieval",
        r#"{"workflow":{"id":"<6f1a0b7c-0008>","status":"<PROCESSED>","customerInternalReference":"<order>","userReference":"{user}","reportingCriteria":"<campaign-7>"},"completedAt":"2026-05-02T10:00:00Z","decision":{"type":"<PASSED>","details":{"label":"<OK>"},"risk":{"score":"<12>"}},"capabilities":{"extraction":[{"data":{"type":"<PASSPORT>","firstName":"{first}","lastName":"{last}","dateOfBirth":"{dob}","documentNumber":"{id}","issuingCountry":"<USA>"}}],"<liveness>":[{"decision":{"type":"<PASSED>","details":{"label":"<OK>"}}}]},"credentials":[{"category":"<ID>","decision":"<PASSED>"}]}"#,
    ),
    (
        "jumio refusal",
        r#"{"timestamp":"2026-05-02T10:00:00Z","httpStatus":"<400>","message":"<Invalid request>","requestURI":"https://netverify.com/api/{sig}"}"#,
    ),
];

/// What is nobody's, or broken before or behind the personal part.
const BROKEN: [&str; 12] = [
    r#"{"SmileJobID":"0000000001","FullName":"{name}","IDNumber":"{id}","Address":"{addr"#,
    r#"{"FullName":"{name}" "IDNumber":"{id}"}"#,
    r#"{"FullName":"{name}","IDNumber":{id}x,"Email":"{email}"}"#,
    r#"{"{name}":"{id}","buyer":{"phone":"{phone}"}}"#,
    r#"["{name}","{id}","{email}"]"#,
    r#""{name} {phone}""#,
    "{name}, {address}, {phone}, {email}",
    "name={name}&phone={phone}&sig={sig}",
    r#"{"received_at":"{dob}","kind":"{name}","provider":"{last}","remote_ip":"{phone}","body":""}"#,
    r#"{"received_at":"{name}","headers":{"{name}":"{email}"},"body":{"order":"{id}"}}"#,
    "verificationStatus={name}&jumioIdScanReference={email}&idNumber={id}",
    "{name} no zip file of {email}",
];

/// An invented person.
struct Person(usize);

impl Person {
    /// The number in letters, which no core holds.
    fn code(&self) -> String {
        (0..4).map(|place| char::from(b'a' + (self.0 / 8usize.pow(place) % 8) as u8)).collect()
    }

    /// A personal value by its name.
    fn value(&self, name: &str) -> String {
        let (code, number) = (self.code(), self.0);
        match name {
            "first" => format!("Qzxwvkj{code}a"),
            "last" => format!("Qzxwvkj{code}o"),
            "name" => format!("Qzxwvkj{code}a Qzxwvkj{code}o"),
            "dob" => "1913-11-27".to_owned(),
            "phone" => format!("+2344177414{:03}", number % 1000),
            "email" => format!("qzxwvkj{code}@mail.example"),
            "id" => format!("4177414{:04}", number % 10_000),
            "address" => format!("17 Qzxwvkj{code} Crescent, Ikeja"),
            "user" => format!("usr-qzxwvkj{code}-11"),
            "photo" => format!("iVBORw0KGgoQzxwvkj{code}").repeat(40),
            "ip" => format!("2001:db8:4177:414::{:x}", number % 65_536),
            "sig" => format!("Qzxwvkj{code}{}=", "A".repeat(32)),
            _ => unreachable!("{name}"),
        }
    }

    /// Everything that is planted where it does not belong, if the payload states it elsewhere.
    fn plants(&self, payload: &str) -> Vec<String> {
        let states =
            |name: &str| payload.contains(&format!("{{{name}}}")) && (name != "ip" || payload.contains("clientIp"));
        let mut plants = Vec::new();
        let full = states("name") || states("first");
        for name in ["name", "first", "last", "email", "phone", "id", "dob", "user", "address", "ip"] {
            if !(states(name) || full && ["name", "first", "last"].contains(&name)) {
                continue;
            }
            let value = self.value(name);
            let bare: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
            plants.extend([format!("order-{value}-7"), value.to_uppercase(), bare.to_lowercase(), value]);
            plants.extend((name == "id").then(|| format!("{} {}", &bare[..4], &bare[4..])));
        }
        plants.sort();
        plants.dedup();
        plants
    }

    /// A payload with this person's values.
    fn fill(&self, payload: &str) -> String {
        let names = ["first", "last", "name", "dob", "phone", "email", "id", "address", "user", "photo", "ip", "sig"];
        names.iter().fold(payload.to_owned(), |text, name| text.replace(&format!("{{{name}}}"), &self.value(name)))
    }
}

/// The payload with `planted` in the place of this number, and what ordinarily stands there in all others.
fn plant(payload: &str, place: usize, planted: &str, number: usize) -> String {
    let mut filled = String::new();
    for (index, part) in payload.split(['<', '>']).enumerate() {
        filled.push_str(match (index % 2, part) {
            (1, _) if index / 2 == place => planted,
            (1, "order") => {
                filled.push_str(&format!("order-{CONTROL}-{number}"));
                continue;
            }
            _ => part,
        });
    }
    filled
}

/// All payloads: of each, one without a plant, and one for each plant in each place. The first says what and where.
fn payloads() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, payload) in PAYLOADS {
        let mut add = |place: usize, plant_number: Option<usize>| {
            let person = Person(all.len());
            let planted = plant_number.map_or(String::new(), |n| person.plants(payload)[n].clone());
            let filled = person.fill(&plant(payload, place, &planted, all.len()));
            all.push((format!("{name}, place {place}: {planted}"), filled));
        };
        add(usize::MAX, None);
        let plants = Person(0).plants(payload).len();
        for place in 0..payload.matches('<').count() {
            (0..plants).for_each(|n| add(place, Some(n)));
        }
    }
    all
}

/// A flat JSON payload as the form that Jumio sends.
fn form(payload: &str) -> String {
    let object: serde_json::Map<String, Value> = serde_json::from_str(payload).unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = object.iter().map(|(key, value)| (key, text(value)));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Writes payloads as stores have them: line by line, as forms in envelopes, as cells, and whole and broken files.
fn write_input(root: &Path) {
    fs::create_dir_all(root).unwrap();
    let payloads = payloads();
    let lines: String = payloads.iter().map(|(_, payload)| format!("{payload}\n")).collect();
    fs::write(root.join("payloads.ndjson"), lines).unwrap();
    let forms = payloads.iter().filter(|(name, _)| name.starts_with("jumio c") || name.starts_with("jumio d"));
    let line = |payload: &str| serde_json::json!({"received_at": "2026-05-03T10:00:00Z", "body": form(payload)});
    let lines: String = forms.map(|(_, payload)| format!("{}\n", line(payload))).collect();
    fs::write(root.join("forms.ndjson"), lines).unwrap();
    let (_, plain) = &payloads[0];
    let cells =
        format!("full_name,phone,job_id,payload\n{{name}},{{phone}},{{name}},\"{}\"\n", plain.replace('"', "\"\""));
    fs::write(root.join("cells.csv"), Person(4001).fill(&cells)).unwrap();
    fs::write(root.join("people.csv"), Person(4002).fill("{name},{phone}\n{name},{email}\n{id},{dob}\n")).unwrap();
    for (number, text) in BROKEN.iter().enumerate() {
        let text = Person(4010 + number).fill(text);
        fs::write(root.join(format!("broken-{number}.json")), &text).unwrap();
        fs::write(root.join(format!("broken-{number}.ndjson")), format!("{text}\n{text}\n")).unwrap();
        fs::write(root.join(format!("bytes-{number}.json")), [text.as_bytes(), b"\xff\xfe", text.as_bytes()].concat())
            .unwrap();
    }
}

/// Letters and digits only, in lower case.
fn fold(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|c| c.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
}

fn holds(text: &[u8], core: &str) -> bool {
    memchr::memmem::find(&fold(text), core.as_bytes()).is_some()
}

/// Notes each piece of text that holds something personal.
fn search<T: AsRef<[u8]>>(place: &str, texts: impl IntoIterator<Item = T>, found: &mut Vec<String>) {
    for text in texts {
        let text = text.as_ref();
        if CORES.iter().any(|core| holds(text, core)) {
            let shown: String = String::from_utf8_lossy(text).chars().take(200).collect();
            found.push(format!("{place}: {shown}"));
        }
    }
}

/// Every file below a folder.
fn files(root: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

/// Every value of a Parquet file as text, with the name of its column.
fn values(file: &Path) -> Vec<(String, String)> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(file).unwrap()).unwrap().build().unwrap();
    let mut values = Vec::new();
    for batch in reader.map(|batch| batch.unwrap()) {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let filled = (0..column.len()).filter(|row| column.is_valid(*row));
            values.extend(filled.map(|row| (field.name().clone(), array_value_to_string(column, row).unwrap())));
        }
    }
    values
}

/// Ingests, reports and inspects everything, and looks for anything personal in all that comes of it.
fn leaks(key: Option<&str>) -> (Vec<String>, tempfile::TempDir) {
    let home = folder();
    write_input(&home.path().join("in"));
    fs::write(home.path().join("kycmart.toml"), "[dimensions]\nnames = [\"branch\", \"merchantReportingCriteria\"]\n")
        .unwrap();
    let mut arguments = vec!["nightly", "in", "--mart", "mart", "--out", "out"];
    if let Some(key) = key {
        fs::write(home.path().join("key"), key).unwrap();
        arguments.extend(["--key-file", "key"]);
    }
    let mut found = Vec::new();
    let inspected = kycmart_in(home.path(), &["inspect", "in"]).expect(1);
    assert!(holds(inspected.out.as_bytes(), CONTROL), "inspect shows references");
    let night = kycmart_in(home.path(), &arguments).expect(0);
    let of_payload = inspected.out.lines().filter(|line| line.contains("in/payloads.ndjson"));
    for ((name, _), line) in payloads().iter().zip(of_payload) {
        search(&format!("inspect, {name}"), [line], &mut found);
    }
    for (name, text) in [("inspect", &inspected.err), ("nightly", &night.out), ("nightly", &night.err)] {
        search(name, text.lines(), &mut found);
    }
    let others = inspected.out.lines().filter(|line| !line.contains("in/payloads.ndjson"));
    search("inspect", others, &mut found);
    let (mut controls, mut searched) = (0, 0);
    for file in [files(&home.path().join("mart")), files(&home.path().join("out"))].concat() {
        let name = file.strip_prefix(home.path()).unwrap().display().to_string();
        search(&name, [fs::read(&file).unwrap()], &mut found);
        if file.extension().is_some_and(|extension| extension == "parquet") {
            searched += 1;
            for (column, value) in values(&file) {
                controls += usize::from(column == "partner_job_id" && holds(value.as_bytes(), CONTROL));
                search(
                    &format!("{} {column}", name.split('/').take(2).collect::<Vec<_>>().join("/")),
                    [value],
                    &mut found,
                );
            }
        }
    }
    assert!(searched > 10 && controls > 500, "the search sees {controls} ordinary references in {searched} files");
    if let Some(key) = key {
        assert!(!night.out.contains(key) && !night.err.contains(key));
        search_key(key, home.path());
    }
    found.sort();
    found.dedup();
    (found, home)
}

/// The key is in no file but its own.
fn search_key(key: &str, home: &Path) {
    for file in files(home).into_iter().filter(|file| !file.ends_with("key")) {
        assert!(!holds(&fs::read(&file).unwrap(), &key.to_lowercase()), "the key is in {}", file.display());
    }
}

#[track_caller]
fn nothing(found: &[String]) {
    let shown = found.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "{} places:\n{shown}", found.len());
}

#[test]
fn nothing_personal_is_kept_shown_or_reported_without_a_key() {
    let (found, home) = leaks(None);
    nothing(&found);
    let sql = "SELECT COUNT(user_pseudonym) AS u, COUNT(id_number_pseudonym) AS i, COUNT(pseudonym_key_id) AS k FROM observations";
    let counts = &query(home.path(), "mart", sql)[0];
    assert!(counts.values().all(|count| count == "0"), "{counts:?}");
    let masked = "SELECT COUNT(*) AS n FROM observations WHERE partner_job_id LIKE 'masked%'";
    assert_eq!(query(home.path(), "mart", masked)[0]["n"], "0", "a mask without a key holds nothing");
}

#[test]
fn nothing_personal_is_kept_shown_or_reported_with_a_key() {
    let (found, home) = leaks(Some("mbhTz7PpWq0uEx3JdVnYcK81"));
    nothing(&found);
    let sql = "SELECT COUNT(user_pseudonym) AS u, COUNT(id_number_pseudonym) AS i, COUNT(*) AS n FROM observations";
    let counts = &query(home.path(), "mart", sql)[0];
    assert!(counts.values().all(|count| count.parse::<u32>().unwrap() > 500), "{counts:?}");
}

#[test]
fn the_payloads_are_read_and_the_search_finds_what_may_be_shown_on_request() {
    let home = folder();
    let lines: String =
        PAYLOADS.iter().enumerate().map(|(n, (_, p))| Person(n).fill(&plant(p, 99, "", n)) + "\n").collect();
    fs::write(home.path().join("a.ndjson"), lines).unwrap();
    let shown = kycmart_in(home.path(), &["inspect", "--show-personal", "a.ndjson"]).expect(0);
    let lines: Vec<Value> = shown.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), PAYLOADS.len());
    let mut kinds: Vec<String> = lines.iter().map(|line| format!("{} {}", line["provider"], line["kind"])).collect();
    kinds.sort();
    kinds.dedup();
    assert!(kinds.len() >= 16 && !kinds.iter().any(|kind| kind.contains("unreadable")), "{kinds:#?}");
    assert!(CORES.iter().all(|core| holds(shown.out.as_bytes(), core)));
}

#[test]
fn no_number_of_other_strings_hides_a_name() {
    let home = folder();
    let (person, filler) = (Person(7), (0..6000).map(|n| format!("\"other{n}\"")).collect::<Vec<_>>().join(","));
    let (before, behind) = PAYLOADS[0].1.split_once("\"Country\"").unwrap();
    let payload = format!("{before}\"FullData\":[{filler}],\"Country\"{behind}");
    let lines: Vec<String> = (0..payload.matches('<').count())
        .map(|place| person.fill(&plant(&payload, place, &format!("order-{}-7", person.value("last")), 1)))
        .collect();
    fs::write(home.path().join("a.ndjson"), lines.join("\n")).unwrap();
    let run = kycmart_in(home.path(), &["inspect", "a.ndjson"]).expect(0);
    let mut found = Vec::new();
    search("inspect", run.out.lines(), &mut found);
    nothing(&found);
}

/// A callback with this job and user.
fn callback(job: &str, user: &str, number: u32) -> String {
    format!(
        r#"{{"SmileJobID":"{number:010}","ResultCode":"1012","PartnerParams":{{"job_id":"{job}","user_id":"{user}","job_type":5}}}}"#
    )
}

#[test]
fn short_and_foreign_names_are_recognised_as_words_of_a_reference() {
    let home = folder();
    let names = [("Ada Obi", "order-obi-7"), ("Ọlá Adébáyọ̀", "Adébáyọ̀_7"), ("Eze", "job.eze.1"), ("Ng", "x-ng-1")];
    let payload = |(number, (name, job)): (usize, &(&str, &str))| {
        callback(job, "u-1", number as u32).replacen('{', &format!(r#"{{"FullName":"{name}","#), 1)
    };
    let lines: Vec<String> = names.iter().enumerate().map(payload).collect();
    fs::write(home.path().join("a.ndjson"), lines.join("\n")).unwrap();
    let run = kycmart_in(home.path(), &["inspect", "a.ndjson"]).expect(0);
    for (line, (name, job)) in run.out.lines().zip(names).take(3) {
        assert!(!line.contains(job), "{name}: {line}");
    }
}

#[test]
fn references_that_look_personal_are_masked_and_counted_and_others_are_kept() {
    let home = folder();
    let personal = ["ann@mail.example", "+234 801 234 5678", "08012345678", "A12345678", "GHA-123456789-0"];
    let plain = ["order-7", "52d0de86-be3b-4219-9e96-8195b0018944", "KE_TEST_100"];
    let jobs: Vec<&str> = personal.iter().chain(&plain).copied().collect();
    let lines: Vec<String> = (1..).zip(&jobs).map(|(n, job)| callback(job, &format!("u-{n}"), n)).collect();
    fs::write(home.path().join("a.ndjson"), lines.join("\n")).unwrap();
    fs::write(home.path().join("key"), "0123456789abcdef0123").unwrap();
    for key in [&["--key-file", "key"][..], &[]] {
        let mart = format!("m{}", key.len());
        let run = kycmart_in(home.path(), &[&["ingest", "a.ndjson", "--mart", &mart], key].concat()).expect(0);
        assert!(run.err.contains("5 job references looked personal"), "{}", run.err);
        let sql = "SELECT partner_job_id AS job, job_id_masked AS masked FROM observations ORDER BY provider_job_id";
        let rows = query(home.path(), &mart, sql);
        for (row, job) in rows.iter().zip(&jobs) {
            let looks_personal = personal.contains(job);
            assert_eq!(row["masked"], looks_personal.to_string(), "{job}");
            match (looks_personal, key.is_empty()) {
                (false, _) => assert_eq!(row["job"], *job),
                (true, true) => assert_eq!(row["job"], "", "{job}"),
                (true, false) => assert!(row["job"].starts_with("masked:") && row["job"].len() > 20, "{row:?}"),
            }
        }
    }
}

#[test]
fn pseudonyms_are_equal_for_equal_users_and_differ_between_keys() {
    let home = folder();
    let lines = [callback("j-1", "ann", 1), callback("j-2", "ann", 2), callback("j-3", "bob", 3)];
    fs::write(home.path().join("a.ndjson"), lines.join("\n")).unwrap();
    let pseudonyms = |mart: &str, key: &str| -> Vec<(String, String)> {
        fs::write(home.path().join("key"), key).unwrap();
        kycmart_in(home.path(), &["ingest", "a.ndjson", "--mart", mart, "--key-file", "key"]).expect(0);
        let sql = "SELECT user_pseudonym AS u, pseudonym_key_id AS k FROM observations ORDER BY provider_job_id";
        query(home.path(), mart, sql).into_iter().map(|row| (row["u"].clone(), row["k"].clone())).collect()
    };
    let (a, b) = (pseudonyms("a", "the first key of all"), pseudonyms("b", "the second key of all"));
    for found in [&a, &b] {
        assert!(found[0].0.len() >= 32 && found[0] == found[1] && found[0].0 != found[2].0, "{found:?}");
    }
    assert!(a[0].0 != b[0].0 && a[0].1 != b[0].1, "{a:?} {b:?}");
    assert_eq!(a, pseudonyms("c", "the first key of all\n"), "the same key, the same pseudonyms");
}

#[test]
fn a_run_without_a_key_says_so() {
    let home = folder();
    fs::write(home.path().join("a.json"), callback("j-1", "ann", 1)).unwrap();
    let run = kycmart_in(home.path(), &["nightly", "a.json", "--mart", "m", "--out", "out"]).expect(0);
    assert!(run.err.contains("no pseudonym key"), "{}", run.err);
    let run: Value = serde_json::from_slice(&fs::read(home.path().join("out/latest/run.json")).unwrap()).unwrap();
    assert_eq!(run["ingest"]["pseudonym_key_id"], Value::Null);
}
