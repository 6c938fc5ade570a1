//! Scenarios of the forwarding plane: simulated clients on a simulated network with a simulated clock.
//! Every client checks every packet on every slot; each file is one scenario, named by its symptom.

#![forbid(unsafe_code)]

mod client;
mod network;
mod offer;
mod publisher;
mod receiver;
mod wire;
mod world;

mod bandwidth_is_scarce;
mod capture_times_of_a_pair_differ;
mod codecs_differ;
mod key_frame_requests_flood_a_publisher;
mod layers_come_and_go;
mod malformed_packets_arrive;
mod microphones_take_turns;
mod packets_get_lost;
mod people_come_and_go;
mod pictures_change_places;
mod publishers_are_told_too_little;
mod quality_changes;
