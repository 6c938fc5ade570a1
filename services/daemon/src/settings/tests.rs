use super::*;
use crate::configuration::parse;

fn refused<S: Settings>(text: &str) -> String {
    match parse::<S>(Path::new("x.toml"), text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn defaults_are_valid() {
    SfuSettings::default().validate().unwrap();
    SignalingSettings::default().validate().unwrap();
    TurnSettings::default().validate().unwrap();
    WebSettings::default().validate().unwrap();
}

#[test]
fn common_keys() {
    let error = refused::<SfuSettings>("[common]\nlog_level = \"loud\"");
    assert_eq!(
        error,
        "x.toml:2: `common.log_level = \"loud\"`: there is no such level. \
         Set it to one of error, warn, info, debug, trace."
    );
    refused::<SfuSettings>("[common]\nmetrics_socket = \"metrics.sock\"");
    refused::<SfuSettings>(&format!("[common]\nmetrics_socket = \"/{}\"", "x".repeat(107)));
    refused::<SfuSettings>("[common]\nbus_address = \"/run/bus\"");
}

#[test]
fn sfu_keys() {
    refused::<SfuSettings>("addresses = [\"0.0.0.0\"]");
    refused::<SfuSettings>("addresses = [\"ff02::1\"]");
    refused::<SfuSettings>("peer_limit_mbps = 0");
    refused::<SfuSettings>("test_loss_permille = 1001");
}

#[test]
fn signaling_keys() {
    refused::<SignalingSettings>("max_people = 0");
    refused::<SignalingSettings>("state_dir = \"/a\"\nruntime_dir = \"/a\"");
    refused::<SignalingSettings>("http_socket = \"\"");
    refused::<SignalingSettings>("[relay]\nsecret_file = \"secret\"");
}

#[test]
fn turn_keys() {
    refused::<TurnSettings>("listen = []");
    refused::<TurnSettings>("realm = \"\"");
    refused::<TurnSettings>("realm = 'a\"b'");
    refused::<TurnSettings>("peers = [\"192.0.2.1:0\"]");
    refused::<TurnSettings>("max_allocations = 0");
}

#[test]
fn web_keys() {
    refused::<WebSettings>("listen = [\"[::]:443\", \"[::]:443\"]");
    refused::<WebSettings>("certificate = \"/etc/cert.pem\"");
    refused::<WebSettings>("key = \"/etc/key.pem\"");
    refused::<WebSettings>("security_contact = \"security@example.org\"");
    refused::<WebSettings>("security_contact = \"mailto:a\\nb\"");
    refused::<WebSettings>("names = []");
    refused::<WebSettings>("names = [\"box local\"]");
    refused::<WebSettings>("names = [\"-box.local\"]");
    refused::<WebSettings>("max_connections = 10\nmax_connections_per_address = 11");
    parse::<WebSettings>(Path::new("x"), "names = [\"*.box.example\", \"192.0.2.1\", \"2001:db8::1\"]")
        .unwrap();
}
