//! Requests whose answers are held against the published description.

use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

/// A server, and what it says of itself.
pub struct Described {
    pub server: Server,
    document: Value,
}

impl Described {
    pub async fn new(server: Server) -> Self {
        let document = server.get("/guarantee/v1/openapi.json").await.json();
        Self { server, document }
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(&Method::GET, path, token, "").await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.ask(&Method::POST, path, token, &body.to_string())
            .await
    }

    /// Below `/guarantee/v1`. Fails where the answer is not as it is described.
    pub async fn ask(&self, method: &Method, path: &str, token: &str, body: &str) -> Answer {
        let path = format!("/guarantee/v1{path}");
        let mut request = Request::builder()
            .method(method)
            .uri(self.server.url(&path));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = Full::from(body.to_owned());
        let answer = self.server.send(request.body(body).unwrap()).await;
        self.check(method, &path, &answer);
        answer
    }

    /// Every operation: its id, method and path.
    pub fn operations(&self) -> Vec<(String, Method, String)> {
        let mut all = Vec::new();
        for (path, methods) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                let method = method.to_uppercase().parse().unwrap();
                all.push((id, method, path.clone()));
            }
        }
        all
    }

    fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let shown = format!("{method} {path}: {} {}", answer.status, answer.text());
        let operation = self.operation(method, path).expect("a described path");
        let responses = &operation["responses"];
        let mut response = &responses[answer.status.as_str()];
        if response.is_null() {
            response = &responses["default"];
        }
        if let Some(name) = response["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            response = &self.document["components"]["responses"][name];
        }
        let kind = answer.header("content-type").split(';').next().unwrap();
        let content = &response["content"][kind];
        assert!(content.is_object(), "not described: {shown}");
        if kind == "application/json" {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "allOf": [content["schema"]],
                "components": self.document["components"],
            });
            let options = jsonschema::options().should_validate_formats(true);
            let validator = options.build(&schema).expect("a schema");
            let body = answer.json();
            let errors: Vec<String> = validator
                .iter_errors(&body)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{shown}\n{}", errors.join("\n"));
        }
    }

    /// Of several that fit the one with the most words of its own.
    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let path: Vec<&str> = path.split('?').next()?.split('/').collect();
        let fits = |template: &str| {
            let parts: Vec<&str> = template.split('/').collect();
            let same = |(part, given): (&&str, &&str)| part.starts_with('{') || part == given;
            parts.len() == path.len() && parts.iter().zip(&path).all(same)
        };
        let paths = self.document["paths"].as_object()?;
        let found = paths.iter().filter(|(template, _)| fits(template));
        let (_, methods) = found.min_by_key(|(template, _)| template.matches('{').count())?;
        methods.get(method.as_str().to_lowercase())
    }
}
