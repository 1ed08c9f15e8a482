//! Lists, their cursors and links.

use kith::kernel::cursor::CursorCodec;
use kith::kernel::page::{Direction, RankKey};
use serde_json::{Value, json};

use crate::app::{ROWS, start};
use crate::{faults, get, head, problem};

#[actix_web::test]
async fn a_list_is_walked_by_its_cursors_and_its_links_agree() {
    let base = start();
    let mut url = format!("{base}/v1/things?order=x%26y&limit=20");
    let mut seen: Vec<i64> = Vec::new();
    loop {
        let response = get(url.clone()).await;
        let link = head(&response, "link").to_owned();
        let body: Value = response.json().await.expect("JSON");
        seen.extend(
            body["data"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_i64),
        );
        let at = |cursor: &Value| {
            let cursor = cursor.as_str().expect("a cursor");
            format!("https://api.example.org/v1/things?order=x%26y&limit=20&cursor={cursor}")
        };
        let prev = format!("<{}>; rel=\"prev\"", at(&body["page"]["prev"]));
        if body["page"]["next"].is_null() {
            assert_eq!(link, prev);
            break;
        }
        let next = at(&body["page"]["next"]);
        assert_eq!(link, format!("<{next}>; rel=\"next\", {prev}"));
        url = next.replace("https://api.example.org", &base);
    }
    assert_eq!(seen, (1..=ROWS).rev().collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_list_can_be_opened_around_an_item() {
    let base = start();
    let body: Value = get(format!("{base}/v1/things?around=30&limit=4"))
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(body["data"], json!([32, 31, 30, 29]));
    for (cursor, expected) in [("next", [28, 27, 26, 25]), ("prev", [36, 35, 34, 33])] {
        let cursor = body["page"][cursor].as_str().expect("a cursor");
        let more = get(format!("{base}/v1/things?limit=4&cursor={cursor}")).await;
        assert_eq!(
            more.json::<Value>().await.expect("JSON")["data"],
            json!(expected)
        );
    }
    let body = problem(
        get(format!("{base}/v1/others?around=3")).await,
        422,
        "validation_failed",
    );
    assert_eq!(faults(&body.await), ["?around unknown_parameter"]);
}

#[actix_web::test]
async fn limits_and_cursors_are_checked() {
    let base = start();
    for limit in ["0", "101", "-1", "x", ""] {
        let response = get(format!("{base}/v1/things?limit={limit}&page=2")).await;
        let body = problem(response, 422, "validation_failed").await;
        assert_eq!(
            faults(&body),
            ["?limit out_of_range", "?page unknown_parameter"],
            "{limit}"
        );
    }
    let empty: Value = get(format!("{base}/v1/others"))
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(
        (&empty["data"], &empty["page"]["next"]),
        (&json!([]), &Value::Null)
    );
    let foreign = empty["page"]["prev"].as_str().expect("always given");
    let url = format!("{base}/v1/things?cursor=");
    problem(get(format!("{url}{foreign}")).await, 400, "cursor_mismatch").await;
    problem(get(format!("{url}AAAA")).await, 400, "invalid_cursor").await;
    let forged = CursorCodec::new(vec![[9; 32]]);
    let forged = forged.seal::<RankKey>(None, Direction::Next, "/v1/things?");
    problem(get(format!("{url}{forged}")).await, 400, "invalid_cursor").await;
    let body: Value = get(format!("{base}/v1/things?limit=1"))
        .await
        .json()
        .await
        .expect("JSON");
    let cursor = body["page"]["next"].as_str().expect("a cursor");
    problem(
        get(format!("{url}{cursor}&order=x")).await,
        400,
        "cursor_mismatch",
    )
    .await;
}
