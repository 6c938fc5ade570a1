//! The manager's API as an OpenAPI document (version 3.1), made from its types. A test of the manager compares it
//! with the calls that there are.

use super::*;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// A call: what it takes and gives. `None`: nothing.
struct Call {
    method: &'static str,
    path: &'static str,
    what: &'static str,
    body: Option<Value>,
    answer: Value,
    status: u16,
    access: Access,
    /// Types of the answer.
    content: &'static [&'static str],
}

#[derive(PartialEq, Eq)]
enum Access {
    Session,
    /// Of the metrics.
    Token,
    Anyone,
}

const JSON: &str = "application/json";
/// As the daemons answer.
const OPEN_METRICS: &str = "application/openmetrics-text";
const IMAGES: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// Collects schemas while calls are named.
struct Calls {
    schemas: SchemaGenerator,
    calls: Vec<Call>,
}

impl Calls {
    fn get<A: JsonSchema>(&mut self, path: &'static str, what: &'static str) -> &mut Call {
        let answer = self.schema::<A>();
        self.add("get", path, what, None, answer)
    }

    fn send<B: JsonSchema, A: JsonSchema>(
        &mut self,
        method: &'static str,
        path: &'static str,
        what: &'static str,
    ) -> &mut Call {
        let (body, answer) = (self.schema::<B>(), self.schema::<A>());
        self.add(method, path, what, Some(body), answer)
    }

    fn order<A: JsonSchema>(
        &mut self,
        method: &'static str,
        path: &'static str,
        what: &'static str,
    ) -> &mut Call {
        let answer = self.schema::<A>();
        self.add(method, path, what, None, answer)
    }

    fn add(
        &mut self,
        method: &'static str,
        path: &'static str,
        what: &'static str,
        body: Option<Value>,
        answer: Value,
    ) -> &mut Call {
        let access = Access::Session;
        self.calls.push(Call { method, path, what, body, answer, status: 200, access, content: &[JSON] });
        self.calls.last_mut().expect("one was added")
    }

    fn schema<T: JsonSchema>(&mut self) -> Value {
        self.schemas.subschema_for::<T>().to_value()
    }

    fn area<A: JsonSchema>(&mut self, path: &'static str, what: &'static str) {
        self.get::<A>(path, what);
        self.send::<A, A>("put", path, what);
    }
}

impl Call {
    fn open(&mut self) -> &mut Call {
        self.access = Access::Anyone;
        self
    }
}

fn calls() -> Calls {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut calls = Calls { schemas: settings.into_generator(), calls: Vec::new() };
    let it = &mut calls;
    it.get::<SessionInfo>("/api/box/session", "What the caller may do").open();
    it.send::<SetupCode, SessionInfo>("post", "/api/box/setup", "Begin the set-up with the display's code")
        .open();
    it.send::<StepDone, SessionInfo>(
        "post",
        "/api/box/setup/step",
        "A step of the set-up is done, or not any more",
    );
    let what = "Try out what a step of the set-up has stored";
    it.send::<StepCheck, Vec<Check>>("post", "/api/box/setup/check", what);
    it.order::<SessionInfo>("post", "/api/box/setup/finish", "End the set-up for good");
    it.send::<SignIn, SessionInfo>("post", "/api/box/sign-in", "Sign in").open();
    it.order::<SessionInfo>("post", "/api/box/sign-out", "Sign out").open();
    it.get::<Vec<AccountInfo>>("/api/box/accounts", "Who may administer the box or read its audit log");
    let made = it.send::<NewAccount, NewSecondFactor>("post", "/api/box/accounts", "Make an account");
    made.status = 201;
    it.send::<ConfirmAccount, AccountInfo>(
        "post",
        "/api/box/accounts/confirm",
        "Open it with its second factor",
    );
    it.send::<AccountName, Vec<AccountInfo>>("post", "/api/box/accounts/remove", "Remove an account");
    it.send::<NewPassword, SessionInfo>("post", "/api/box/password", "Change one's own password");
    let what = "Ask for another second factor of one's own account";
    it.send::<RenewSecondFactor, NewSecondFactor>("post", "/api/box/second-factor", what);
    let what = "Use it from now on";
    it.send::<SecondFactorCode, SessionInfo>("post", "/api/box/second-factor/confirm", what);
    it.area::<Institution>("/api/box/settings/institution", "Who runs the box");
    it.area::<HostName>("/api/box/settings/host_name", "What the box is called");
    it.area::<TimeSettings>("/api/box/settings/time", "Where the box takes the time from");
    it.area::<BackupSettings>("/api/box/settings/backup", "When backups are made");
    it.area::<UpdateSource>("/api/box/settings/update", "Where updates come from");
    it.area::<MailSettings>("/api/box/settings/mail", "The server that takes the box's mail");
    it.send::<MailTest, MailTestResult>("post", "/api/box/mail/test", "Send a test mail");
    it.area::<SyslogSettings>("/api/box/settings/syslog", "The server that gets the logs");
    it.get::<SyslogState>("/api/box/syslog", "How sending the logs is going");
    it.get::<NetworkSettings>("/api/box/settings/network", "How the box is on the network");
    let what = "Apply network settings, and take them back unless they are confirmed";
    it.send::<NetworkSettings, NetworkTrial>("put", "/api/box/settings/network", what);
    let what = "Keep the network settings that are on trial";
    it.send::<ConfirmNetwork, NetworkSettings>("post", "/api/box/settings/network/confirm", what).open();
    it.get::<NetworkState>("/api/box/network", "The network as it is");
    it.get::<Clock>("/api/box/clock", "The box's clock");
    it.get::<CertificateState>("/api/box/certificate", "The certificate of the pages");
    it.send::<UploadedCertificate, CertificateState>("put", "/api/box/certificate", "Use a certificate");
    it.order::<CertificateState>("delete", "/api/box/certificate", "The box makes its own again");
    let what = "Make a key and a request for a certificate";
    it.send::<CertificateRequest, CertificateState>("post", "/api/box/certificate/request", what);
    it.area::<AcmeSettings>("/api/box/settings/acme", "Where the box gets its certificate by itself");
    let what = "Ask the ACME directory for a certificate now";
    it.order::<CertificateState>("post", "/api/box/certificate/acme", what);
    it.get::<RecoveryKey>("/api/box/recovery-key", "The key that opens the data without the TPM");
    it.send::<KeyNoted, RecoveryKey>("post", "/api/box/recovery-key", "Somebody has noted it");
    it.get::<HostKey>("/api/box/host-key", "The key that opens meetings");
    it.send::<LogQuery, LogPage>("post", "/api/box/logs", "Lines of the operations logs");
    it.order::<SupportBundle>("post", "/api/box/support", "What can be sent to who helps");
    it.order::<SelfTest>("post", "/api/box/self-test", "The box tests itself");
    it.get::<BackupState>("/api/box/backup", "Backups on the box, and how the last one went");
    it.order::<BackupState>("post", "/api/box/backup", "Make a backup");
    it.get::<BackupKey>("/api/box/backup/key", "The key of the backups, until somebody has noted it");
    it.order::<BackupKey>("put", "/api/box/backup/key", "Make a new key");
    it.send::<KeyNoted, BackupKey>("post", "/api/box/backup/key", "Somebody has noted it");
    it.send::<BackupName, SavedFile>("post", "/api/box/backup/file", "A backup, to be kept elsewhere");
    let what = "The newest list of deletions, to be kept beside the backups";
    it.order::<SavedFile>("post", "/api/box/backup/deletions", what);
    it.send::<BackupName, RestoreTest>("post", "/api/box/backup/test", "See whether it can be restored");
    it.send::<RestoreOrder, Restored>("post", "/api/box/backup/restore", "Restore it on a box in set-up");
    it.send::<RoomQuery, RoomPage>("post", "/api/box/rooms/find", "Rooms, newest first, page by page");
    let made =
        it.send::<NewRoom, RoomCreated>("post", "/api/box/rooms", "Make a room; its links are shown once");
    made.status = 201;
    let what = "Replace a room's link for guests while a host is there";
    it.send::<RoomNumber, RoomDone>("post", "/api/box/rooms/guest-link", what);
    it.send::<RoomNumber, RoomDone>("post", "/api/box/rooms/end", "End a meeting for all");
    it.send::<RoomNumber, RoomDone>("post", "/api/box/rooms/delete", "Delete a room for good");
    it.get::<Institution>("/api/box/institution", "Who runs the box, for every page").open();
    let what = "The logo of the institution";
    let logo = it.add("get", "/api/box/institution/logo", what, None, json!({})).open();
    logo.content = &IMAGES;
    let what = "Use a logo";
    it.send::<InstitutionLogo, Institution>("put", "/api/box/institution/logo", what);
    it.order::<Institution>("delete", "/api/box/institution/logo", "Go without a logo");
    it.get::<Overview>("/api/box/overview", "The box in numbers");
    it.get::<MetricsAccess>("/api/box/metrics-access", "Whether metrics may be read");
    it.order::<MetricsToken>("post", "/api/box/metrics-access", "Open the metrics, with a new token");
    it.order::<MetricsAccess>("delete", "/api/box/metrics-access", "Close the metrics");
    let metrics = it.get::<String>("/api/box/metrics", "All metrics, for a monitoring system");
    metrics.access = Access::Token;
    metrics.content = &[OPEN_METRICS];
    it.schema::<HistoryRange>();
    it.get::<History>("/api/box/history/{range}", "How the box was over a day, a week or 30 days");
    it.send::<PowerOrder, PowerAnswer>("post", "/api/box/power", "Restart or switch off");
    let what = "Delete everything and start as from the factory";
    it.send::<FactoryReset, PowerAnswer>("post", "/api/box/factory-reset", what);
    it.send::<UpdateOrder, UpdateState>("post", "/api/box/update", "Look for, install or leave a version");
    let what = "Send an update's file part by part";
    it.send::<UpdatePart, UpdateState>("post", "/api/box/update/file", what);
    it.get::<AuditPage>("/api/box/audit", "The newest entries of the audit log");
    it.get::<AuditPage>("/api/box/audit/{before}", "Older entries of the audit log");
    it.order::<SavedFile>("post", "/api/box/audit/file", "Save the audit log, signed");
    it.get::<AuditForwarding>(
        "/api/box/audit/forwarding",
        "Whether the audit log is sent to the syslog server",
    );
    let what = "Have the audit log sent, or no longer";
    it.send::<ForwardAudit, AuditForwarding>("put", "/api/box/audit/forwarding", what);
    calls
}

/// Method and path of every call, as in `("get", "/api/box/session")`.
pub fn routes() -> Vec<(&'static str, &'static str)> {
    calls().calls.iter().map(|call| (call.method, call.path)).collect()
}

/// The whole content of `docs/openapi.json`.
pub fn document() -> String {
    let mut calls = calls();
    let error = calls.schema::<ManagerError>();
    let mut paths = Map::new();
    for call in &calls.calls {
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method] = operation(call, &error);
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Plenum: set-up and administration of the box",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": calls.schemas.take_definitions(true),
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-plenum-box" },
                "metrics": { "type": "http", "scheme": "bearer" },
                "genuine": { "type": "apiKey", "in": "header", "name": "x-csrf-token" },
            },
        },
    });
    let text = serde_json::to_string_pretty(&document).expect("a document of strings and numbers");
    text + "\n"
}

fn operation(call: &Call, error: &Value) -> Value {
    let content = |types: &[&str], schema: &Value| -> Value {
        types.iter().map(|of| (of.to_string(), json!({ "schema": schema }))).collect::<Map<_, _>>().into()
    };
    let mut operation = json!({
        "summary": call.what,
        "responses": {
            call.status.to_string(): { "description": "Done", "content": content(call.content, &call.answer) },
            "default": { "description": "Refused", "content": content(&[JSON], error) },
        },
    });
    if let Some(body) = &call.body {
        operation["requestBody"] = json!({ "required": true, "content": content(&[JSON], body) });
    }
    let security = match call.access {
        Access::Anyone => None,
        Access::Token => Some(json!({ "metrics": [] })),
        Access::Session if call.method == "get" => Some(json!({ "session": [] })),
        Access::Session => Some(json!({ "session": [], "genuine": [] })),
    };
    if let Some(security) = security {
        operation["security"] = json!([security]);
    }
    if call.path.contains("{before}") {
        operation["parameters"] = json!([{
            "name": "before", "in": "path", "required": true,
            "schema": { "type": "integer", "format": "uint64", "minimum": 0 },
        }]);
    }
    if call.content == IMAGES {
        operation["parameters"] = json!([{
            "name": "v", "in": "query", "description": "`logo` of `Institution`", "schema": { "type": "string" },
        }]);
    }
    if call.path.contains("{range}") {
        operation["parameters"] = json!([{
            "name": "range", "in": "path", "required": true,
            "schema": { "$ref": "#/components/schemas/HistoryRange" },
        }]);
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let references: Vec<&str> = text
            .split("\"#/components/schemas/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert!(references.len() > 40, "{references:?}");
        for reference in references {
            assert!(schemas.contains_key(reference), "{reference}");
        }
    }
}
