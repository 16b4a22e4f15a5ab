"""What a comparison says beyond its figures: slices, targets, the seed's report, answers kept, export"""
