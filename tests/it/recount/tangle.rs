//! An archive of jobs that no provider would make so tangled: every rule on which a count hangs decides somewhere.
//!
//! References that are shared by partners and by both environments, or missing; times that are equal, missing or out of
//! order; contradicting codes, products, countries and words about one check; history without results; replays that
//! arrived earlier than what they replay. Always the same for a seed.

use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

const CODES: [&str; 18] = [
    "0810",
    "0811",
    "0812",
    "0814",
    "0819",
    "0908",
    "0001",
    "1012",
    "1013",
    "1014",
    "1015",
    "1020",
    "1022",
    "1023",
    "1210",
    "1211",
    "9999",
    "not a code word",
];
const TEXTS: [&str; 7] = [
    "ID Validated",
    "Enroll User",
    "Pure Provisional",
    "Document Verified After Human Review",
    "Exact Match",
    "No zip uploaded yet",
    "Something nobody has written before",
];
const JOB_TYPES: [&str; 5] = ["1", "5", "6", "11", "8"];
const AUTHORITIES: [(&str, &str); 3] = [("NG", "BVN"), ("NG", "NIN"), ("KE", "NATIONAL_ID")];

/// Writes one file of so many lines.
pub fn write(folder: &Path, lines: usize, seed: u64) {
    std::fs::create_dir_all(folder).expect("a folder");
    let file = std::fs::File::create(folder.join("tangle.ndjson")).expect("a file");
    let mut file = std::io::BufWriter::new(file);
    let mut tangle = Tangle { state: seed, jobs: (lines / 4).max(1) as u64 };
    let mut before: Vec<Value> = Vec::new();
    for _ in 0..lines {
        let mut line = tangle.line();
        if tangle.chance(12) && !before.is_empty() {
            line = before[tangle.below(before.len() as u64) as usize].clone();
            line.as_object_mut().expect("an envelope").remove("received_at");
        } else {
            before.push(line.clone());
        }
        if tangle.chance(70) {
            line["received_at"] = tangle.time().into();
        }
        writeln!(file, "{line}").expect("a line");
    }
    file.flush().expect("the end of the file");
}

struct Tangle {
    state: u64,
    jobs: u64,
}

impl Tangle {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// One of few instants, so that many are equal.
    fn time(&mut self) -> String {
        let (day, hour, minute) = (9 + self.below(9), self.pick(&[9, 9, 9, 10]), self.pick(&[0, 0, 4, 14]));
        format!("2026-10-{day:02}T{hour:02}:{minute:02}:00Z")
    }

    fn line(&mut self) -> Value {
        match self.below(100) {
            0..40 => self.callback(),
            40..65 => self.job_status(),
            65..75 => self.advance(),
            75..87 => self.jumio(),
            87..92 => self.id_status(),
            92..94 => self.health(),
            94..96 => self.refusal(),
            96..98 => self.accepted(),
            _ => {
                let broken = self.pick(&["{\"SmileJobID\": ", "{\"order\": 7}", "{\"scanReference\": }"]);
                json!({"request": {}, "body": broken})
            }
        }
    }

    /// What the request tells of a Smile ID job: mostly right, often nothing.
    fn request(&mut self, job: u64) -> Map<String, Value> {
        let mut request = Map::new();
        if self.chance(55) {
            let own = if job.is_multiple_of(3) { "85" } else { "2442" };
            let partner = if self.chance(92) { own } else { "0085" };
            request.insert("partner_id".into(), partner.into());
        }
        if self.chance(55) {
            let own = if job.is_multiple_of(7) { "sandbox" } else { "production" };
            let environment = if self.chance(92) { own } else { "sandbox" };
            request.insert("environment".into(), environment.into());
        }
        request
    }

    /// A Smile ID result; its references may be missing, and neither is unique.
    fn result(&mut self, job: u64) -> Map<String, Value> {
        let mut result = Map::new();
        let mut parameters = Map::new();
        if self.chance(75) {
            result.insert("SmileJobID".into(), format!("{:010}", job).into());
        }
        if self.chance(80) {
            parameters.insert("job_id".into(), format!("order-{}", job % (self.jobs * 9 / 10).max(1)).into());
        }
        if self.chance(80) {
            let user = if self.chance(95) { job % (self.jobs / 3).max(1) } else { self.below(self.jobs) };
            parameters.insert("user_id".into(), format!("user-{user}").into());
        }
        if self.chance(60) {
            let own = JOB_TYPES[(job % 5) as usize];
            let job_type = if self.chance(90) { own } else { self.pick(&JOB_TYPES) };
            parameters.insert("job_type".into(), job_type.into());
        }
        result.insert("PartnerParams".into(), parameters.into());
        if self.chance(92) {
            result.insert("ResultCode".into(), self.pick(&CODES).into());
        }
        if self.chance(50) {
            result.insert("ResultText".into(), self.pick(&TEXTS).into());
        }
        if self.chance(50) {
            let (country, id_type) = self.pick(&AUTHORITIES);
            result.insert("Country".into(), country.into());
            if self.chance(80) {
                result.insert("IDType".into(), id_type.into());
            }
        }
        if self.chance(40) {
            let words = ["Passed", "Failed", "Not Done", "a sentence that is no word of the provider's"];
            let names = ["Liveness_Check", "Register_Selfie", "Verify_ID_Number"];
            let mut actions = Map::new();
            for name in names.iter().take(1 + self.below(3) as usize) {
                actions.insert((*name).into(), self.pick(&words).into());
            }
            result.insert("Actions".into(), actions.into());
        }
        if self.chance(30) {
            result.insert("ConfidenceValue".into(), self.pick(&["0", "9.99", "10", "99.5", "100", "very sure"]).into());
        }
        if self.chance(50) {
            result.insert("Source".into(), self.pick(&["ID API", "Async ID API", "WebAPI"]).into());
        }
        result
    }

    fn callback(&mut self) -> Value {
        let job = self.below(self.jobs);
        let mut body = self.result(job);
        self.dated(&mut body);
        if self.chance(20) {
            let link = format!("https://portal.smileidentity.com/api/v3/85/job_result_summary/{job:010}/generate_pdf");
            body.insert("KYCReceipt".into(), link.into());
        }
        json!({"request": self.request(job), "provider": "smile_id", "body": body})
    }

    fn job_status(&mut self) -> Value {
        let job = self.below(self.jobs);
        let mut body = Map::new();
        body.insert("job_complete".into(), self.chance(70).into());
        body.insert("job_success".into(), self.chance(50).into());
        body.insert("code".into(), "2302".into());
        match self.below(10) {
            0..6 => drop(body.insert("result".into(), self.result(job).into())),
            6 => drop(body.insert("result".into(), self.pick(&TEXTS).into())),
            _ => {}
        }
        if self.chance(50) {
            let history: Vec<Value> = (0..=self.below(3)).map(|_| self.result(job).into()).collect();
            body.insert("history".into(), history.into());
        }
        self.dated(&mut body);
        let mut request = self.request(job);
        if self.chance(50) {
            request.insert("job_id".into(), format!("order-{}", job % (self.jobs * 9 / 10).max(1)).into());
        }
        json!({"request": request, "body": body})
    }

    fn dated(&mut self, body: &mut Map<String, Value>) {
        if self.chance(70) {
            body.insert("timestamp".into(), self.time().into());
        }
    }

    fn advance(&mut self) -> Value {
        let errors = ["", "SUCCESS", "NAME_NOT_MATCH", "CAN_NOT_VERIFY", "NUMBER_NOT_EXIST", "USER_TIMEOUT", "NEW_ONE"];
        let data = json!({
            "signatureId": format!("adv-{:08}", self.below(self.jobs)),
            "overallResult": self.pick(&["PASS", "FAIL", "INCOMPLETE"]),
            "errorCode": self.pick(&errors),
            "countryCodeIso3": self.pick(&["NGA", "KEN"]),
            "inputParameters": {"region": "NGA", "numberType": self.pick(&["NIN", "BVN"])},
            "faceDetail": {"faceResult": self.pick(&["PASS", "FAIL"]), "eventDetails": ["BLINK", self.pick(&["BLINK", "NOD"])],
                "faceLivenessScore": self.below(101), "faceSimilarityScore": self.pick(&[20, 101])},
        });
        let pricing = self.pick(&["FREE", "FREE", "FREE", "PAY"]);
        let envelope = json!({"code": "SUCCESS", "message": "OK", "data": data, "pricingStrategy": pricing});
        json!({"request": {}, "body": envelope})
    }

    fn jumio(&mut self) -> Value {
        let reference = format!("00000000-0000-4000-8000-{:012}", self.below(self.jobs / 4 + 1));
        let statuses =
            ["APPROVED_VERIFIED", "APPROVED_VERIFIED", "DENIED_FRAUD", "NO_ID_UPLOADED", "ERROR_NOT_READABLE_ID"];
        let status = self.pick(&statuses);
        if self.chance(40) {
            let part = json!({"timestamp": self.time(), "scanReference": reference, "type": "PASSPORT",
                "issuingCountry": "GBR", "status": status});
            return json!({"request": {}, "body": part});
        }
        let mut body = json!({"callBackType": "NETVERIFYID", "jumioIdScanReference": reference,
            "verificationStatus": status, "idScanStatus": "SUCCESS", "idType": "PASSPORT", "idCountry": "GBR"});
        if self.chance(80) {
            body["callbackDate"] = self.time().into();
        }
        if self.chance(60) {
            body["transactionDate"] = self.time().into();
        }
        if self.chance(60) {
            body["customerId"] = format!("user-{}", self.below(self.jobs / 9 + 1)).into();
        }
        if self.chance(60) {
            let face = json!({"similarity": self.pick(&["MATCH", "NO_MATCH", "NOT_POSSIBLE"]),
                "validity": self.chance(80), "similarityScore": self.pick(&[0.0, 0.1, 0.29, 0.7, 1.0])});
            body["identityVerification"] = face;
        }
        if status != "APPROVED_VERIFIED" {
            let detail = |code: &str| json!({"detailsCode": code, "detailsDescription": "GLARE"});
            let details = json!([detail(self.pick(&["2006", "2001"])), detail("2006")]);
            body["rejectReason"] = json!({"rejectReasonCode": self.pick(&["200", "206"]),
                "rejectReasonDescription": "NOT_READABLE_DOCUMENT", "rejectReasonDetails": details});
        }
        json!({"request": {}, "body": body})
    }

    /// What Smile ID declares of an authority; few checks, so that statements about one differ.
    fn id_status(&mut self) -> Value {
        let (country, id_type) = self.pick(&AUTHORITIES);
        let mut body = json!({"last_known_status": self.pick(&["online", "interruption", "offline", "Resting"])});
        if self.chance(80) {
            body["last_checked"] = self.time().into();
        }
        if self.chance(80) {
            body["last_check_success_rate"] = (self.below(100) as f64).into();
        }
        let environment = self.pick(&["production", "production", "sandbox"]);
        json!({"request": {"country": country, "id_type": id_type, "environment": environment}, "body": body})
    }

    fn health(&mut self) -> Value {
        let data =
            json!({"numberType": self.pick(&["NG_BVN", "ID_NIK"]), "status": self.pick(&["health", "unstable"])});
        json!({"request": {}, "body": {"code": "SUCCESS", "message": "OK", "data": data}})
    }

    /// A request was accepted; not every answer says when.
    fn accepted(&mut self) -> Value {
        let job = self.below(self.jobs);
        let mut body = json!({"status": "accepted", "job_id": format!("{job:010}"), "user_id": format!("user-{job}")});
        if self.chance(60) {
            body["created_at"] = self.time().into();
        }
        json!({"request": self.request(job), "provider": "smile_id", "body": body})
    }

    fn refusal(&mut self) -> Value {
        let mut request = self.request(1);
        if self.chance(50) {
            request.insert("job_id".into(), format!("order-{}", self.below(self.jobs)).into());
        }
        let code = self.pick(&["2215", "2204", "2405"]);
        json!({"request": request, "provider": "smile_id", "body": {"error": "No", "code": code}})
    }
}
