use super::*;

/// Provider, month, product, quantity, amount.
type Words = (&'static str, String, Option<&'static str>, i64, Option<i64>);

fn lines(text: &str) -> Vec<Words> {
    let lines = parse(text.as_bytes()).expect("an invoice");
    let month = |line: &Line| line.month.format("%Y-%m").to_string();
    lines.iter().map(|l| (l.provider.word(), month(l), l.product.map(Product::word), l.quantity, l.amount)).collect()
}

fn refused(text: &[u8]) -> String {
    parse(text).expect_err("no invoice").to_string()
}

#[test]
fn headers_words_and_separators_are_forgiven() {
    let expected = vec![
        ("smile_id", "2026-10".to_owned(), None, 7, Some(15_000)),
        ("smile_id", "2026-10".to_owned(), Some("biometric_kyc"), 1234, None),
    ];
    for text in [
        "provider,month,product,quantity,amount\nsmile_id,2026-10,biometric_kyc,1234,\nsmile_id,2026-10,,7,1.5\n",
        "\u{feff}Vendor;Billing Month;Service;Qty;Total\r\nSmile ID;2026/10;Biometric KYC;1.234;\r\n\r\nsmile-id;2026-10-31;;7;1,5\r\n",
        "Quantity\tNote\tPERIOD\tsupplier\tproduct\tcost\n\"1,234\"\tx\t2026-10\tSmile Identity\tBIOMETRIC_KYC\t\n7\t\t2026-10\tsmileid\t\t1.50\n",
    ] {
        assert_eq!(lines(text), expected, "{text}");
    }
}

#[test]
fn lines_of_one_month_and_product_are_added_up() {
    let text = "provider,month,quantity,amount\njumio,2026-10,5,0.10\njumio,2026-10,-2,0.20\njumio,2026-10,1,\n";
    assert_eq!(lines(text), [("jumio", "2026-10".to_owned(), None, 4, Some(3_000))]);
    assert!(lines("provider,month,quantity\n").is_empty());
}

#[test]
fn what_cannot_be_read_is_said_with_its_line_and_what_to_do() {
    let row =
        |row: &str| refused(format!("provider,month,product,quantity,amount\njumio,2026-10,,1,\n{row}\n").as_bytes());
    for (text, what, advice) in [
        ("jumio,2026-10,,many,", "line 3: \"many\" is no quantity", "like 1234"),
        ("jumio,2026-10,,,", "line 3: \"\" is no quantity", "like 1234"),
        ("jumio,2026-13,,1,", "line 3: \"2026-13\" is no month", "like 2026-10"),
        ("jumio,2026-02-30,,1,", "line 3: \"2026-02-30\" is no month", "like 2026-10"),
        ("jumio,October,,1,", "line 3: \"October\" is no month", "like 2026-10"),
        ("Total,2026-10,,1,", "line 3: \"Total\" is no provider", "smile_id, advance_ai, jumio"),
        ("jumio,2026-10,Magic,1,", "line 3: \"Magic\" is no product", "netverify"),
        ("jumio,2026-10,,1,EUR 5", "line 3: \"EUR 5\" is no amount", "1234.50"),
        ("jumio,2026-10,,=SUM(D2:D9),", "line 3: a cell holds a formula", "export the values"),
        ("jumio", "line 3: \"\" is no quantity", "like 1234"),
    ] {
        let said = row(text);
        assert!(said.contains(what) && said.contains(advice), "{text}: {said}");
    }
    assert!(refused(b"").contains("it is empty"));
    assert!(refused(b"provider,month\n").contains("no column quantity"));
    assert!(refused(b"provider,month,qty,count\n").contains("two columns are the quantity"));
    assert!(refused(b"provider,month,quantity\njumio,2026-10,\xff\n").contains("CSV UTF-8"));
    assert!(
        refused(b"provider,month,quantity\njumio,2026-10,9223372036854775807\njumio,2026-10,1\n").contains("line 3")
    );
}

#[test]
fn a_month_that_the_range_cuts_is_not_covered() {
    let day = |text: &str| Some(text.parse::<NaiveDate>().expect("a day"));
    let covered = |from, to| {
        let scope = Scope {
            from,
            to,
            time_zone: chrono_tz::Tz::UTC,
            invoice: parse(b"provider,month,quantity\njumio,2026-02,1\n").expect("an invoice"),
            ..Scope::default()
        };
        let rows = rows(&scope).expect("rows");
        rows.column(5).as_any().downcast_ref::<BooleanArray>().expect("a truth value").value(0)
    };
    assert!(covered(None, None) && covered(day("2026-02-01"), day("2026-02-28")));
    assert!(!covered(day("2026-02-02"), None) && !covered(None, day("2026-02-27")));
    assert!(!covered(day("2026-03-01"), None) && !covered(None, day("2026-01-31")));
}
