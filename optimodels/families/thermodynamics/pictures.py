"""Pictures of the thermodynamics family."""
