"""What a build ships: how its programs are hardened, whether they can be built again, and what they are made of."""
