module annulus

go 1.19
