//! What a listener says that it serves, asked over reflection: the walk begins with what is there,
//! not with what somebody remembered.

use prost::Message;
use prost_types::{FileDescriptorProto, ServiceDescriptorProto};
use tonic::transport::Channel;

use super::wire;

const REFLECTION: &str = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
/// A reflection request that asks for the services.
pub(super) const LIST_SERVICES: &[u8] = &[0x3a, 0x00];

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, tag = "4")]
    file_containing_symbol: String,
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, tag = "4")]
    files: Option<Files>,
    #[prost(message, tag = "6")]
    services: Option<Services>,
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

/// The full name of every RPC that a listener offers.
pub(super) async fn rpcs(channel: &Channel) -> Vec<String> {
    let listed = ask(channel, LIST_SERVICES.to_vec()).await;
    let services = listed.services.expect("a list of services").services;
    let mut found = Vec::new();
    for service in services {
        let request = Request {
            file_containing_symbol: service.name.clone(),
        };
        let files = ask(channel, request.encode_to_vec()).await.files;
        let files = files
            .unwrap_or_else(|| panic!("{} is described", service.name))
            .files;
        let descriptor = files.iter().find_map(|file| described(file, &service.name));
        let descriptor = descriptor.unwrap_or_else(|| panic!("{} is described", service.name));
        let methods = descriptor.method.iter();
        found.extend(methods.map(|method| format!("{}/{}", service.name, method.name())));
    }
    found.sort();
    found
}

fn described(file: &[u8], service: &str) -> Option<ServiceDescriptorProto> {
    let file = FileDescriptorProto::decode(file).expect("a file descriptor");
    let package = file.package().to_owned();
    let mut services = file.service.into_iter();
    services.find(|found| format!("{package}.{}", found.name()) == service)
}

async fn ask(channel: &Channel, request: Vec<u8>) -> Response {
    let heard = wire::call(channel, &[], REFLECTION, vec![request], false).await;
    let message = heard.pieces.iter().find(|(what, _)| what == "message");
    let (_, message) = message.unwrap_or_else(|| panic!("no answer: {heard:?}"));
    Response::decode(message.as_slice()).expect("an answer of reflection")
}
