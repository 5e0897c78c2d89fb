"""The commands of the house itself, by noun. Those of the rooms are in the rooms; `cli` says where each is."""
