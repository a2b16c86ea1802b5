//! `/guarantee/v1`: who may do what, and what comes back.

mod described;

use std::path::Path;
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use surecast_guarantee::contract::plan::Plan;
use surecast_room::Grants;
use surecast_room::token::GuaranteeGrant;

use crate::harness::{Server, eventually, run, surecast, token_for};
use described::Described;

/// A contract of this name for what a server in `eu` measures, since the first
/// of this month.
fn yaml(id: &str) -> String {
    let today = jiff::Timestamp::now().to_string();
    let lines = Plan::Professional.yaml().lines().map(|line| match line {
        "id: professional" => format!("id: {id}"),
        line if line.starts_with("term:") => format!(
            "term: {{kind: 3y, start: {}-01, zone: UTC, alignment: calendar}}",
            &today[..7]
        ),
        line => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

async fn start(data: &Path) -> Described {
    let mut files = Vec::new();
    for id in ["acme", "other"] {
        let file = data.join(format!("{id}.contract.yaml"));
        std::fs::write(&file, yaml(id)).unwrap();
        files.push(file.to_str().unwrap().to_owned());
    }
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data.join("data"))
        .env("SURECAST_GUARANTEE__CONTRACTS", files.join(","))
        .env("SURECAST_GUARANTEE__REGION", "eu");
    Described::new(Server::start(command)).await
}

/// A customer's is for `acme` alone.
fn token(role: &str) -> String {
    let contracts = match role {
        "customer" => vec!["acme".to_owned()],
        _ => Vec::new(),
    };
    token_for(&Grants {
        name: format!("{role} X"),
        guarantee: Some(GuaranteeGrant {
            role: role.to_owned(),
            contracts,
        }),
        ..Grants::default()
    })
}

const ROLES: [&str; 8] = [
    "operator",
    "agent",
    "account_manager",
    "expert",
    "customer",
    "auditor",
    "probe",
    "hook",
];

/// Who may ask for what, by the names of operations.
fn allowed(operation: &str) -> &'static [&'static str] {
    match operation {
        "getDescription" | "getStatus" | "reportProbe" => &ROLES,
        "actOnIncident" | "openTicket" | "writeMessage" | "actOnTicket" => &ROLES[..5],
        "declareMaintenance" => &["operator", "account_manager"],
        "registerEvent" | "stepSettlement" => &["operator", "account_manager", "customer"],
        "passMail" | "passCall" => &["hook"],
        // Whoever is in a room, by the room's token.
        "postReceipt" => &[],
        // All that is read.
        _ => &ROLES[..6],
    }
}

#[tokio::test]
async fn each_role_reaches_what_it_may_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let nobody = token_for(&Grants::default());
    for (operation, method, template) in door.operations() {
        let path = template.strip_prefix("/guarantee/v1").unwrap();
        let path = path.replace("{contract}", "acme");
        let path = path.replace("{incident}", "7").replace("{ticket}", "7");
        let path = path.replace("{period}", "0");
        let body = if method == Method::GET { "" } else { "{}" };
        for role in ROLES {
            let answer = door.ask(&method, &path, &token(role), body).await;
            let refused = answer.status == 403;
            // The signature of a vantage is no token.
            let expected = operation != "reportProbe" && !allowed(&operation).contains(&role);
            if operation != "reportProbe" {
                assert_eq!(refused, expected, "{role} {operation} {}", answer.text());
            }
        }
        if !matches!(
            operation.as_str(),
            "getDescription" | "getStatus" | "reportProbe"
        ) {
            assert_eq!(door.ask(&method, &path, "", body).await.status, 401);
            assert_eq!(door.ask(&method, &path, "x.y.z", body).await.status, 401);
            assert_eq!(door.ask(&method, &path, &nobody, body).await.status, 403);
        }
    }
    door.server.stop();
}

#[tokio::test]
async fn a_contract_of_others_looks_like_one_that_is_not_there() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let customer = token("customer");
    let mine = door.get("/contracts", &customer).await;
    let ids = |answer: &Value| -> Vec<String> {
        let rows = answer["contracts"].as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&mine.json()), ["acme"]);
    assert_eq!(mine.header("cache-control"), "no-store");
    let all = door.get("/contracts", &token("auditor")).await;
    assert_eq!(ids(&all.json()), ["acme", "other"]);
    for below in ["", "/lines", "/incidents", "/tickets/1", "/settlements/0"] {
        let foreign = door
            .get(&format!("/contracts/other{below}"), &customer)
            .await;
        let missing = door
            .get(&format!("/contracts/nowhere{below}"), &customer)
            .await;
        assert_eq!(
            (foreign.status.as_u16(), missing.status.as_u16()),
            (404, 404)
        );
        assert_eq!(foreign.text().replace("other", "nowhere"), missing.text());
    }
    let subject = json!({"subject": "s", "body": "b"});
    let foreign = door
        .post("/contracts/other/tickets", &customer, &subject)
        .await;
    assert_eq!(foreign.status, 404);
    let unnamed = token_for(&Grants {
        guarantee: Some(GuaranteeGrant {
            role: "customer".to_owned(),
            contracts: Vec::new(),
        }),
        ..Grants::default()
    });
    assert_eq!(ids(&door.get("/contracts", &unnamed).await.json()), [""; 0]);
    door.server.stop();
}

#[tokio::test]
async fn customers_do_not_see_how_the_providers_people_are_reached() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let shown = door.get("/contracts/acme", &token("agent")).await.text();
    assert!(shown.contains("lead@provider.example"));
    let shown = door.get("/contracts/acme", &token("customer")).await;
    let (text, contract) = (shown.text(), shown.json());
    for hidden in ["lead@", "account@", "media@", "expert@"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    assert!(text.contains("desk@provider.example") && text.contains("Shift lead"));
    assert_eq!(contract["state"], "active");
    assert_eq!(contract["periods"].as_array().unwrap().len(), 36);
    door.server.stop();
}

#[tokio::test]
async fn lines_say_how_the_contract_stands() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let customer = token("customer");
    let lines = door.get("/contracts/acme/lines", &customer).await.json();
    assert_eq!(lines["lines"].as_array().unwrap().len(), 21);
    let line = &lines["lines"][0];
    assert_eq!(
        (&line["module"], &line["region"]),
        (&json!("join"), &json!("eu"))
    );
    assert_eq!(line["minutes"].as_array().unwrap().len(), 60);
    assert_eq!(line["days"].as_array().unwrap().len(), 30);
    assert_eq!(lines["map"].as_array().unwrap().len(), 3);
    // Asked again at once, it is the same answer.
    let again = door.get("/contracts/acme/lines", &customer).await.json();
    assert_eq!(again["now"], lines["now"]);
    door.server.stop();
}

#[tokio::test]
async fn a_customer_asks_and_the_evidence_decides_how_urgent_it_is() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let (customer, agent) = (token("customer"), token("agent"));
    let opened = json!({
        "subject": "No sound", "body": "Nobody hears anybody.",
        "about": {"module": "media", "region": "eu", "since": null}, "channel": "web",
    });
    let answer = door
        .post("/contracts/acme/tickets", &customer, &opened)
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let path = format!("/contracts/acme/tickets/{}", answer.json()["ticket"]);
    let marked = json!({"mark": {"urgent": false}});
    let refused = door.post(&format!("{path}/actions"), &agent, &marked).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("by evidence"), "{}", refused.text());
    let auditor = token("auditor");
    let said = json!({"body": "We look at it."});
    let messages = format!("{path}/messages");
    assert_eq!(door.post(&messages, &auditor, &said).await.status, 403);
    assert_eq!(door.post(&messages, &agent, &said).await.status, 201);
    let ticket = door.get(&path, &customer).await.json();
    assert_eq!(ticket["state"], "open");
    assert_eq!(
        ticket["messages"][1]["author"],
        json!({"kind": "agent", "name": "agent X"})
    );
    let clocks = ticket["clocks"].as_array().unwrap();
    let response = clocks
        .iter()
        .find(|c| c["kind"] == "first_response")
        .unwrap();
    assert!(response["stopped"].is_string(), "{ticket}");
    let asked = json!({"ask": {"text": "Since when?"}});
    let ticket = door.post(&format!("{path}/actions"), &agent, &asked).await;
    assert_eq!(ticket.json()["state"], "waiting_customer");
    for (query, found) in [
        ("q=hears+SOUND", 1),
        ("q=picture", 0),
        ("open=false", 0),
        ("", 1),
    ] {
        let list = door
            .get(&format!("/contracts/acme/tickets?{query}"), &auditor)
            .await;
        assert_eq!(
            list.json()["tickets"].as_array().unwrap().len(),
            found,
            "{query}"
        );
    }
    let long = json!({"subject": "s", "body": "x".repeat(65_537)});
    assert_eq!(
        door.post("/contracts/acme/tickets", &customer, &long)
            .await
            .status,
        413
    );
    let huge = json!({"subject": "s", "body": "x".repeat(500_000)});
    assert_eq!(
        door.post("/contracts/acme/tickets", &customer, &huge)
            .await
            .status,
        413
    );
    let close = door
        .post(&format!("{path}/actions"), &agent, &json!("close"))
        .await;
    assert_eq!(close.status, 409);
    door.server.stop();
}

#[tokio::test]
async fn maintenance_is_declared_in_time_or_refused() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let operator = token("operator");
    let now = jiff::Timestamp::now();
    let in_hours = |hours: i64| now + Duration::from_secs(hours.unsigned_abs() * 3600);
    // The contract asks for 72 hours.
    let span = |from, to| json!({"start": in_hours(from), "end": in_hours(to)});
    let path = "/contracts/acme/maintenance";
    let late = door.post(path, &operator, &span(2, 3)).await;
    assert_eq!(late.status, 400, "{}", late.text());
    assert!(
        late.text().contains("259200 s are needed"),
        "{}",
        late.text()
    );
    let good = door.post(path, &operator, &span(73, 74)).await.json();
    assert_eq!(
        (&good["counted_s"], &good["refused"]),
        (&json!(3600), &json!(null))
    );
    let wrong = door.post(path, &operator, &span(74, 73)).await;
    assert_eq!(wrong.status, 400);
    let list = door.get(path, &token("customer")).await.json();
    assert_eq!(list["maintenance"].as_array().unwrap().len(), 1);
    let show = json!({"name": "Gala", "start": in_hours(80), "end": in_hours(90),
        "modules": ["media"], "regions": ["eu"]});
    let events = "/contracts/acme/events";
    let registered = door.post(events, &token("customer"), &show).await;
    assert_eq!(registered.status, 201, "{}", registered.text());
    let list = door.get(events, &token("agent")).await.json();
    assert_eq!(list["events"][0]["name"], "Gala");
    door.server.stop();
}

#[tokio::test]
async fn calls_come_in_by_a_hook() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let hook = token("hook");
    let call =
        json!({"contract": "acme", "caller": "Anna", "note": "No picture in Paris.\nSince ten."});
    let answer = door.post("/inbound/phone", &hook, &call).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let path = format!("/contracts/acme/tickets/{}", answer.json()["ticket"]);
    let ticket = door.get(&path, &token("agent")).await.json();
    assert_eq!(ticket["channel"], "phone");
    assert!(
        ticket["subject"]
            .as_str()
            .unwrap()
            .contains("No picture in Paris.")
    );
    let unknown = json!({"contract": "nowhere", "caller": "Anna", "note": "Hello?"});
    assert_eq!(
        door.post("/inbound/phone", &hook, &unknown).await.status,
        404
    );
    door.server.stop();
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_reason() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let operator = token("operator");
    for (path, status) in [
        ("/contracts/acme/incidents/1", 404),
        ("/contracts/acme/incidents/one", 404),
        ("/contracts/acme/incidents/1/timeline", 404),
        ("/contracts/acme/incidents?open=maybe", 400),
        ("/contracts/acme/tickets?colour=red", 400),
        ("/contracts/acme/settlements/0", 404),
        ("/contracts/acme/settlements/0?format=xls", 400),
    ] {
        let answer = door.get(path, &operator).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text());
    }
    let act = "/contracts/acme/incidents/1/actions";
    let answer = door.post(act, &operator, &json!({"explode": {}})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        door.post(act, &operator, &json!("acknowledge"))
            .await
            .status,
        404
    );
    let other = door.server.get("/guarantee/v1/nothing").await;
    assert_eq!(other.status, 404);
    assert!(
        other.json()["error"]
            .as_str()
            .unwrap()
            .contains("openapi.json")
    );
    door.server.stop();
}

#[tokio::test]
async fn the_command_line_makes_the_tokens() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let create = |args: &[&str]| run(&[&["token", "create", "--dev"], args].concat());
    let made = create(&[
        "--guarantee-role",
        "customer",
        "--contract",
        "acme",
        "--name",
        "Anna",
    ]);
    assert_eq!(made.status.code(), Some(0));
    let jwt = String::from_utf8(made.stdout).unwrap();
    eventually("the token is good", async || {
        door.get("/contracts/acme", jwt.trim()).await.status == 200
    })
    .await;
    for wrong in [
        &["--guarantee-role", "king"][..],
        &["--guarantee-role", "customer"],
        &["--identity", "a", "--contract", "acme"],
    ] {
        assert_eq!(create(wrong).status.code(), Some(2), "{wrong:?}");
    }
    door.server.stop();
}

#[tokio::test]
async fn mails_come_in_by_a_hook() {
    let data = tempfile::tempdir().unwrap();
    let door = start(data.path()).await;
    let hook = token("hook");
    let mail = |from: &str, subject: &str| {
        format!(
            "From: Anna <{from}>\r\nSubject: {subject}\r\nMessage-ID: <1@x.example>\r\n\
             Content-Type: text/html; charset=utf-8\r\n\r\n<p>No picture<script>x()</script></p>\r\n"
        )
    };
    let customer = "ops@customer.example";
    let path = "/inbound/mail?contract=acme";
    let post = async |text: String| door.ask(&Method::POST, path, &hook, &text).await;
    let answer = post(mail(customer, "Black screen")).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let number = answer.json()["ticket"].clone();
    let ticket = format!("/contracts/acme/tickets/{number}");
    let ticket = door.get(&ticket, &token("agent")).await.json();
    assert_eq!(
        (&ticket["channel"], &ticket["subject"]),
        (&json!("mail"), &json!("Black screen"))
    );
    let again = post(mail(
        customer,
        &format!("Re: [acme #{number}] Black screen"),
    ))
    .await;
    assert_eq!(again.json()["ticket"], number, "{}", again.text());
    assert_eq!(post(mail("who@nowhere.example", "Hello")).await.status, 403);
    let nowhere = mail(customer, "Hello");
    let nowhere = door.ask(&Method::POST, "/inbound/mail", &hook, &nowhere);
    assert_eq!(nowhere.await.status, 400);
    door.server.stop();
}
