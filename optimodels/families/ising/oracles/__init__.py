"""What is known exactly about the Ising model, by code that shares nothing with the engine.

E = -sum_<ij> s_i s_j - h sum_i s_i; temperatures with k_B = 1. Rooms: ``enumeration`` all states of
a small graph; ``strip`` the transfer matrix of a rectangle with a free boundary, up to 17 wide.
"""
