"""Pictures of what was counted: overlay, chart, and one HTML file for a site."""
