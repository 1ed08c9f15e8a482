//! Completes one operation: parameters in headers, media types, headers of answers, and problems.

use actix_web::http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Required, Response, Schema, SchemaFormat};

use super::components::{PROBLEM, add_header, problem_body};
use super::statuses::{self, Traits};
use crate::platform::limits;

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Completes the operation of `method` on `path`.
pub(super) fn complete(path: &str, method: &Method, operation: &mut Operation) {
    let traits = Traits::of(path, method, operation);
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in parameters.iter_mut() {
        if let RefOr::T(parameter) = parameter {
            describe(parameter);
        }
    }
    parameters.extend(header_parameters(&traits));
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        complete_body(body, method);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            complete_answer(status, response, &traits);
        }
    }
    if traits.tagged_read {
        let mut unchanged = Response::new("What `If-None-Match` names is still current");
        for name in ["X-Request-Id", "Cache-Control", "ETag"] {
            add_header(&mut unchanged, name);
        }
        let answers = &mut operation.responses.responses;
        answers.insert("304".to_owned(), RefOr::T(unchanged));
    }
    for status in statuses::problems(&traits) {
        let reference = Ref::from_response_name(format!("Problem{status}"));
        let answers = &mut operation.responses.responses;
        answers
            .entry(status.to_owned())
            .or_insert(RefOr::Ref(reference));
    }
}

/// An id in a path is a UUID, unless a person may be named instead; and what is empty is neither a
/// cursor nor a list of ids.
fn describe(parameter: &mut Parameter) {
    let Some(RefOr::T(schema)) = &mut parameter.schema else {
        return;
    };
    let name = parameter.name.as_str();
    // What a device is called, its owner's client says.
    let is_id = (name == "id" || name.ends_with("_id")) && name != "device_id";
    if parameter.parameter_in == ParameterIn::Path && is_id {
        *schema = uuid();
    } else if let ("cursor" | "ids", Schema::Object(text)) = (parameter.name.as_str(), schema) {
        text.min_length = Some(1);
    }
}

fn uuid() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    Schema::Object(
        text.format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .build(),
    )
}

const TAG: &str = r#"^(\*|(W/)?"[^"]*"(, *(W/)?"[^"]*")*)$"#;
/// Visible ASCII characters, in quotes or bare.
const KEY: &str = r#"^("[!#-~]{1,253}"|[!#-~][!-~]{0,254})$"#;

fn header_parameters(traits: &Traits) -> Vec<RefOr<Parameter>> {
    let mut headers = Vec::new();
    if traits.is_edit {
        headers.push(header(
            "If-Match",
            "Only if the object's version is still the one of this `ETag`",
            TAG,
        ));
    }
    if traits.tagged_read {
        headers.push(header(
            "If-None-Match",
            "Only if the object is no longer the one of this `ETag`",
            TAG,
        ));
    }
    if traits.keyed {
        headers.push(header(
            "Idempotency-Key",
            "1 to 255 visible ASCII characters. The same key gets the same answer for 24 hours",
            KEY,
        ));
    }
    headers
}

fn header(name: &str, description: &str, pattern: &str) -> RefOr<Parameter> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(text.pattern(Some(pattern)).build()))
        .build();
    RefOr::T(parameter)
}

/// A body that may be left out is described as one that may be `null`, which is not read; and a
/// PATCH may name its own media type.
fn complete_body(body: &mut RequestBody, method: &Method) {
    let Some(RefOr::T(content)) = body.content.get_mut(JSON) else {
        return;
    };
    let optional = unwrap_null(content);
    body.required = Some(if optional {
        Required::False
    } else {
        Required::True
    });
    if *method == Method::PATCH {
        let same = RefOr::T(content.clone());
        body.content.insert(MERGE_PATCH.to_owned(), same);
    }
}

/// Takes `null` out of the body's schema; whether it was there.
fn unwrap_null(content: &mut Content) -> bool {
    let Some(RefOr::T(Schema::OneOf(choice))) = &mut content.schema else {
        return false;
    };
    let is_reference = |item: &RefOr<Schema>| matches!(item, RefOr::Ref(_));
    let Some(index) = choice.items.iter().position(is_reference) else {
        return false;
    };
    content.schema = Some(choice.items.swap_remove(index));
    true
}

fn complete_answer(status: &str, response: &mut Response, traits: &Traits) {
    if response.description.is_empty() {
        said_by(status, traits).clone_into(&mut response.description);
    }
    for name in ["X-Request-Id", "Cache-Control"] {
        add_header(response, name);
    }
    for (name, _) in limits::HEADERS.iter().filter(|_| traits.in_api) {
        add_header(response, name);
    }
    if !status.starts_with('2') {
        let media = PROBLEM.to_owned();
        if response.content.is_empty() {
            response.content.insert(media, RefOr::T(problem_body()));
        }
        return;
    }
    let own = [
        ("Location", status == "201"),
        ("Link", traits.is_list),
        ("ETag", traits.tagged_read || traits.tagged_write),
        ("Idempotent-Replayed", traits.keyed),
    ];
    for (name, _) in own.iter().filter(|(_, given)| *given) {
        add_header(response, name);
    }
}

fn said_by(status: &str, traits: &Traits) -> &'static str {
    match status {
        "200" if traits.is_list => "A page of the list",
        "201" => "Made: here it is",
        "202" => "Accepted: it is done in a moment",
        "204" => "Done: there is nothing to tell",
        "503" => "Not ready",
        _ => "Here it is",
    }
}
